"""One writer a run: a lock that the system releases when its holder dies."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sparselab.errors import SettingError, UnavailableError

try:
    import fcntl
except ImportError:  # not a POSIX system
    fcntl = None  # type: ignore[assignment]


_TRIES, _PAUSE_SECONDS = 20, 0.05  # who only asks whether it is held holds it for a moment


@contextmanager
def locked(path: Path, what: str = "this run") -> Iterator[None]:
    """Hold the lock in `path` (made where there is none) while the block runs; it says who holds it.

    Raises: SettingError when another process holds it, UnavailableError on a system without such locks.
    """
    if fcntl is None:
        raise UnavailableError("expected a POSIX system, whose file locks keep two processes from writing one run")
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        if not any(_take(handle) for _ in range(_TRIES)):
            holder = os.pread(handle, 200, 0).decode(errors="replace").strip() or "another process"
            raise SettingError(f"expected nobody else to write {what}; {holder} does: wait for it, or cancel it")
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"process {os.getpid()} on {socket.gethostname()}\n".encode(), 0)
        yield
    finally:
        os.close(handle)


def is_locked(path: Path) -> bool:
    """Whether some process holds the lock in `path`. No file: no."""
    if fcntl is None:
        return False
    try:
        handle = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def _take(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        time.sleep(_PAUSE_SECONDS)
        return False
    return True
