"""A server for a room: what its visitors get, and what they do not."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from sparselab.app.inputs.path_policy import allowed_roots
from sparselab.cli.app import room_options, room_text, server_command
from sparselab.core.paths import ROOTS_VARIABLE
from sparselab.runtime.room import ROOM_VARIABLE, room_hosts
from tests.browsing import PATIENCE_S

ROOT = Path(__file__).resolve().parents[3]
ADDRESS = "http://192.0.2.7:8501/"


@pytest.fixture
def in_a_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ROOM_VARIABLE, ADDRESS)


def opened(page: str | None = None, **query: str) -> AppTest:
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=PATIENCE_S)
    for name, value in query.items():
        at.query_params[name] = value
    at.run()
    return at if page is None else at.switch_page(f"pages/{page}.py").run()


@pytest.mark.usefixtures("in_a_room")
def test_the_address_is_handed_on_by_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    at = opened(sample="planted")
    assert ADDRESS in [item.value for item in at.code]
    monkeypatch.delenv(ROOM_VARIABLE)
    assert ADDRESS not in [item.value for item in opened(sample="planted").code]


@pytest.mark.usefixtures("in_a_room")
def test_files_of_the_machine_are_not_for_visitors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.npz").touch()
    assert allowed_roots() == ()
    at = opened(source="Path", path=str(tmp_path / "mine.npz"))
    assert any("allows no local paths" in item.value for item in at.info) or at.error
    monkeypatch.setenv(ROOTS_VARIABLE, str(tmp_path))
    assert allowed_roots() == (tmp_path.resolve(),), "unless the operator names a folder"


@pytest.mark.usefixtures("in_a_room")
def test_trainings_are_not_started() -> None:
    at = opened("training", training_tab="Start a run")
    assert "_train_start" not in {button.key for button in at.button}
    assert any("off while this server serves a room" in item.value for item in at.info)


def test_a_room_is_answered_under_its_names_alone() -> None:
    command = server_command(8600, room_options(room_hosts("192.0.2.7")))
    assert "--server.address=0.0.0.0" in command
    assert command.index("--server.address=0.0.0.0") > command.index("--server.address=localhost"), (
        "the last one counts"
    )
    assert "--server.allowedHosts=192.0.2.7" in command
    assert not any("allowedHosts=*" in word for word in command)
    assert room_options(()) == ()


def test_the_terminal_shows_address_code_and_what_is_off() -> None:
    text = room_text(ADDRESS)
    assert ADDRESS in text
    assert "▀" in text or "█" in text
    assert "Off in a room" in text
