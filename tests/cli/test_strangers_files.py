"""The command line reads files as a stranger's: within limits, and what a library in C parses in a process of its own."""

from __future__ import annotations

import json
import pickle
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, NoReturn

import click
import numpy as np
import pytest

from sparselab.cli import commands
from sparselab.core.errors import FileError, LimitError
from sparselab.core.paths import DATA_VARIABLE
from sparselab.formats import FORMATS, describe, limited, read_ticket
from sparselab.formats.limited import bounded, limits_of, read_limited
from sparselab.runtime.pipes import Limits
from sparselab.runtime.worker import Worker, WorkerError
from sparselab.workflows.sweeps.compute import compute
from tests.cli.conftest import Run
from tests.formats.good_files import good_file
from tests.formats.hostile_files import WEIGHT

LIBRARY = [name for name, kind in FORMATS.items() if kind.parsed_by == "library"]
COMMANDS = [name for name, command in commands.commands.items() if any(p.name == "file" for p in command.params)]
COMMANDS.remove("app")  # it hands the path to a page
MORE = {
    "transform": ("regroup", "--out", "new.npz"),
    "sweep": ("--transforms", "refill", "--score", "count", "--out", "swept"),
    "bench": ("--rounds", "8", "--seconds", "0.1", "--threads", "1"),
}
MODULES = {"hdf5": "h5py", "png": "PIL"}


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_says_the_same_as_unlimited(form: str, tmp_path: Path, run: Run) -> None:
    path = good_file(form, WEIGHT, tmp_path)
    expected = describe(read_ticket(path))
    status, out, _ = run("inspect", path, "--json")
    document = json.loads(out)
    assert status == 0
    assert {key: document[key] for key in expected} == expected


@pytest.mark.parametrize("form", LIBRARY)
def test_no_library_in_c_parses_here(form: str, tmp_path: Path) -> None:
    """Not while it is read, and not while it is written back."""
    path = good_file(form, WEIGHT, tmp_path)
    arguments = [["inspect", str(path)], ["transform", str(path), "regroup", "--out", str(tmp_path / "new.npz")]]
    code = (
        "import json, sys\nfrom sparselab.cli import main\n"
        f"status = [main(arguments) for arguments in json.loads({json.dumps(arguments)!r})]\n"
        f"assert status == [0, 0], status\nassert {MODULES[form]!r} not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert list(np.load(tmp_path / "new.npz"))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_process_that_a_command_tells_of_its_file_has_limits(
    name: str, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, begin = good_file("hdf5", WEIGHT, tmp_path), Worker.begin
    told: list[Limits | None] = []

    def watched(worker: Worker, function: Any, args: Any, kwargs: Any = (), limits: Limits | None = None) -> Any:
        if function is not compute and str(path).encode() in pickle.dumps(
            (args, dict(kwargs))
        ):  # it bounds the reading
            told.append(limits)
        return begin(worker, function, args, kwargs, limits)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path / "data"))
    monkeypatch.setattr(Worker, "begin", watched)
    assert run(name, path, *MORE.get(name, ()))[0] == 0
    assert told
    assert all(limits is not None and limits.memory_bytes and limits.cpu_seconds for limits in told)


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("more", [(), ("--layer", "absent\x1b[2J")])
def test_no_name_steers_a_terminal(
    name: str, more: tuple[str, ...], tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path / "data"))
    monkeypatch.setattr(click.utils, "should_strip_ansi", lambda *_: False)  # as in a terminal
    path = tmp_path / "a\x1b[31m\x9b2J\u202e.npz"
    np.savez(path, **{"l\x1b[2J\x07": WEIGHT, "m\x9b\u202e": WEIGHT[:, :4]})
    _, out, err = run(name, path, *MORE.get(name, ()), *more)
    assert out + err
    assert all(line.isprintable() for line in (out + err).split("\n"))


def test_limits_grow_with_the_bytes_of_a_file(tmp_path: Path) -> None:
    np.save(tmp_path / "t.npy", np.zeros(2**23))
    none, file = limits_of(tmp_path / "none"), limits_of(tmp_path / "t.npy")
    assert (none.memory_bytes or 0) + 2**27 < (file.memory_bytes or 0)
    assert (none.cpu_seconds or 0) + 2 == file.cpu_seconds


def test_time_and_memory_run_out_in_a_sentence(tmp_path: Path) -> None:
    def endless() -> NoReturn:
        while True:
            pass

    before = signal.getsignal(signal.SIGXCPU)
    with pytest.raises(LimitError, match="stopped after 1 seconds of CPU time"):
        bounded(endless, Limits(cpu_seconds=1))
    assert signal.getsignal(signal.SIGXCPU) == before
    with pytest.raises(MemoryError):
        bounded(lambda: np.empty(2**34, np.uint8), Limits(memory_bytes=2**30))
    assert np.empty(2**31, np.uint8).size == 2**31


@pytest.mark.parametrize("form", [name for name in FORMATS if FORMATS[name].parsed_by != "header"])
def test_a_defect_in_the_other_process_is_a_sentence(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> NoReturn:
        raise WorkerError("Traceback\n  at line 1\nZeroDivisionError: \x1b[2J")

    monkeypatch.setattr(limited, "run_isolated", fails)
    monkeypatch.setattr(limited, "read_untrusted", fails)
    with pytest.raises(FileError, match="ZeroDivisionError") as caught:
        read_limited(good_file(form, WEIGHT, tmp_path), folder=lambda: tmp_path)
    assert str(caught.value).isprintable()


def test_a_reader_that_hangs_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = good_file("npz", WEIGHT, tmp_path)
    monkeypatch.setattr(limited, "limits_of", lambda *_: Limits(memory_bytes=2**31, wall_seconds=0.01))
    with pytest.raises(LimitError, match="its time limit"):
        read_limited(path, folder=lambda: tmp_path)
