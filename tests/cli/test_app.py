"""`sparselab app`: what it starts, and what it says before it starts anything."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from sparselab.app.inputs.path_policy import allowed_roots
from sparselab.cli import main
from sparselab.cli.app import address, server_command, server_environment
from sparselab.core.paths import CACHE_VARIABLE, DATA_VARIABLE, OPENED_VARIABLE, ROOTS_VARIABLE


def test_a_file_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    missing = tmp_path / "none.npz"
    assert main(["app", str(missing)]) == 2
    assert capsys.readouterr() == ("", f"error: expected a file or a folder; there is none at {missing}\n")


def test_a_port_that_is_taken(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert main(["app", "--port", str(port)]) == 2
    assert capsys.readouterr().err == f"error: --port: expected one that is free; something answers at {port} already\n"


def test_what_the_operator_adds_comes_last() -> None:
    command = server_command(8600, ("--server.address", "0.0.0.0"))
    assert command[-2:] == ["--server.address", "0.0.0.0"]
    assert "--server.address=localhost" in command


def test_paths_in_the_environment_are_those_of_the_users_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(DATA_VARIABLE, "data")
    monkeypatch.setenv(CACHE_VARIABLE, "")
    monkeypatch.setenv(ROOTS_VARIABLE, os.pathsep.join(["a", "", "/b"]))
    environment = server_environment(None)
    told = [environment[name] for name in (DATA_VARIABLE, CACHE_VARIABLE, ROOTS_VARIABLE)]
    assert told == [str(tmp_path / "data"), "", os.pathsep.join([str(tmp_path / "a"), "/b"])]


def test_the_folder_of_the_file_is_added_to_what_may_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ROOTS_VARIABLE, str(tmp_path / "roots"))
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "mask.npz").touch()
    (tmp_path / "link.npz").symlink_to(tmp_path / "real" / "mask.npz")
    monkeypatch.setenv(OPENED_VARIABLE, server_environment(tmp_path / "link.npz")[OPENED_VARIABLE])
    assert allowed_roots() == (tmp_path / "roots", tmp_path / "real")


def test_a_link_carries_any_name(tmp_path: Path) -> None:
    assert address(1, Path("/x/a & b?.npz")) == "http://localhost:1/?source=Path&path=%2Fx%2Fa+%26+b%3F.npz"
