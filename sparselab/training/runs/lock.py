"""One writer a run: a lock that the system releases when its holder dies, and a note beside it that says who holds it.

Readers look at the note alone: they neither take the lock, which would keep a writer out, nor write anything. The lock itself
cannot be read everywhere (on Windows nobody reads a locked file), hence the second file.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, SoftFileLock, Timeout

from sparselab.core.errors import FileError, SettingError, UnavailableError
from sparselab.training.runs.process import describe_process, living_process
from sparselab.training.runs.records import read_json, write_json

_WAIT_SECONDS, _LOOK_SECONDS = 1.0, 0.05


@contextmanager
def locked(path: Path, what: str = "this run", *, wait_seconds: float = _WAIT_SECONDS) -> Iterator[None]:
    """Hold the lock in `path` (made where there is none) while the block runs; the note beside it says who holds it.

    Raises: SettingError when somebody else still holds it after `wait_seconds`, UnavailableError on a file system without
        locks that end with their holder.
    """
    lock, note = FileLock(path), note_of(path)
    try:
        lock.acquire(timeout=wait_seconds, poll_interval=_LOOK_SECONDS)
    except Timeout:
        raise SettingError(
            f"expected nobody else to write {what}; {_name_of(_read(note))} does: wait for it, or cancel it"
        ) from None
    try:
        if isinstance(lock, SoftFileLock):  # what filelock turns it into where the file system has no locks
            raise UnavailableError(f"expected a file system with file locks; {path.parent} has none")
        write_json(note, {**(describe_process(os.getpid()) or {}), "host": socket.gethostname()})
        yield
    finally:
        note.unlink(missing_ok=True)
        lock.release()


def is_locked(path: Path) -> bool:
    """Whether some process holds the lock in `path`, without taking it. No file: no.

    A note of this machine counts as long as its process lives. Whether one of another machine lives only the lock can tell;
    where it may not be tried, in a folder that is read-only here, the note counts.
    """
    noted = _read(note_of(path))
    if noted is None:
        return False
    if noted.get("host") == socket.gethostname():
        return living_process(noted) is not None
    try:
        with FileLock(path).acquire(timeout=0):
            return False
    except (Timeout, OSError):
        return True


def note_of(path: Path) -> Path:
    """Return where it is noted who holds the lock in `path`."""
    return path.with_name(f"{path.name}.holder")


def _read(note: Path) -> Mapping[str, Any] | None:
    try:
        return read_json(note)
    except (FileNotFoundError, FileError):
        return None


def _name_of(noted: Mapping[str, Any] | None) -> str:
    return "another process" if noted is None else f"process {noted.get('process')} on {noted.get('host')}"
