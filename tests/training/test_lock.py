"""One writer: who comes second is refused and told who was first, and a lock never outlives its holder."""

from __future__ import annotations

import errno
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock
import pytest

from sparselab.core.errors import SettingError, UnavailableError
from sparselab.training.runs import lock as locks
from sparselab.training.runs.lock import is_locked, locked, note_of

ROOT = Path(__file__).resolve().parents[2]
HOLD = (
    "import sys; from pathlib import Path; from sparselab.training.runs.lock import locked\n"
    "with locked(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
)


@contextmanager
def another_holder(path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that holds the lock until its input ends."""
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        yield process


def test_the_second_writer_is_refused_and_told_who_is_first(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with another_holder(path) as other:
        assert is_locked(path)
        said = f"process {other.pid} on {socket.gethostname()} does"
        with pytest.raises(SettingError, match=said), locked(path, wait_seconds=0):
            pass
        assert is_locked(path), "the refused one leaves the first one's note"
    with locked(path, wait_seconds=0):
        assert is_locked(path)
    assert not is_locked(path)


def test_a_lock_ends_with_its_holder_however_that_ends(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with another_holder(path) as other:
        other.send_signal(signal.SIGKILL)
        other.wait()
        assert not is_locked(path)
        with locked(path, wait_seconds=0):
            assert is_locked(path)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forking is of POSIX")
def test_a_forked_child_neither_holds_nor_frees_its_parents_lock(tmp_path: Path) -> None:
    code = (
        "import os, sys, time; from pathlib import Path; from sparselab.training.runs.lock import is_locked, locked\n"
        "path = Path(sys.argv[1])\n"
        "with locked(path):\n"
        "    child = os.fork()\n"
        "    if not child:\n"
        "        try:\n"
        "            with locked(path, wait_seconds=0): pass\n"
        "        except ValueError: os._exit(0)\n"
        "        os._exit(1)\n"
        "    assert os.waitpid(child, 0)[1] == 0, 'the child took it too'\n"
        "    assert is_locked(path)\n"
        "    ready, go = os.pipe()\n"
        "    if not (child := os.fork()): os.close(go); os.read(ready, 1); os._exit(0)\n"
        "with locked(path, wait_seconds=0): pass\n"
        "os.close(go); os.waitpid(child, 0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "lock")], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_readers_take_nothing_and_write_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "lock"
    assert not is_locked(path)
    assert not list(tmp_path.iterdir())
    with another_holder(path):
        before = {entry.name: entry.stat().st_mtime_ns for entry in tmp_path.iterdir()}
        monkeypatch.setattr(locks, "FileLock", None)
        assert is_locked(path)
        assert {entry.name: entry.stat().st_mtime_ns for entry in tmp_path.iterdir()} == before
    assert not is_locked(path)


def test_a_note_of_another_machine_counts_as_long_as_the_lock_is_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, note = tmp_path / "lock", {"process": 1, "born": 1.0, "host": "elsewhere"}
    note_of(path).write_text(json.dumps(note))
    assert not is_locked(path), "whoever wrote that is gone"
    with filelock.FileLock(path):
        assert is_locked(path)

    def denied(_path: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(locks, "FileLock", denied)
    assert is_locked(path), "in a folder that is read-only here the note is all there is"


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"host": null}', "\x00"])
def test_a_damaged_note_is_no_holder(tmp_path: Path, text: str) -> None:
    note_of(tmp_path / "lock").write_text(text)
    assert not is_locked(tmp_path / "lock")


@pytest.mark.skipif(os.name != "posix", reason="flock is of POSIX")
@pytest.mark.filterwarnings("ignore:flock not supported")
def test_a_file_system_without_locks_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_arguments: object) -> None:
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr("fcntl.flock", missing)
    with pytest.raises(UnavailableError, match="expected a file system with file locks"), locked(tmp_path / "lock"):
        pass
    assert not note_of(tmp_path / "lock").exists()
