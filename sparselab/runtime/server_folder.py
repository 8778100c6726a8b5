"""What a server leaves on disk while it lives, and what dead ones left behind."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
import uuid
from pathlib import Path
from threading import Lock

import psutil
from filelock import FileLock, Timeout

from sparselab.core.errors import FileError
from sparselab.core.paths import check_private
from sparselab.runtime.child import WORKER_PROGRAM

_LOCK = "lock"


class ServerFolder:
    """A folder of one server process for its visitors' files, which goes with the process.

    It lies beside those of the user's other servers and is locked as long as this one lives: who finds one without an owner
    removes it, which `sweep` does.
    """

    def __init__(self, parent: Path | None = None) -> None:
        """Raises: FileError when the folder around it is another user's, or cannot be written."""
        self._parent = parent or Path(tempfile.gettempdir()) / f"sparselab-{_user()}"
        self.path = self._parent / uuid.uuid4().hex
        self._guard = Lock()
        self._lock = FileLock(self.path / _LOCK)
        self._stand()

    def new(self) -> Path:
        """Return a new folder in it. Raises: FileError where there is no room for one."""
        folder = self.path / uuid.uuid4().hex
        self.restore(folder)
        return folder

    def restore(self, folder: Path) -> None:
        """Make a folder that `new` returned again, empty, where somebody cleared the temporary folder. Raises: FileError as `new`."""
        self._stand()
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise FileError(
                f"expected room for a visitor's files on the server; got {error.strerror}: free some of its temporary folder"
            ) from None

    def _stand(self) -> None:
        """Make and lock the folder where it is not there: a system may clear its temporary files under a server that lives for weeks."""
        with self._guard:
            if (self.path / _LOCK).exists():
                return
            try:
                self._parent.mkdir(mode=0o700, exist_ok=True)
                check_private(self._parent)
                self.path.mkdir(mode=0o700, exist_ok=True)
                self._lock.release(force=True)
                self._lock.acquire()
            except OSError as error:
                raise FileError(
                    f"expected a folder for visitors' files at {self._parent}; got {error.strerror}: make room there, or set TMPDIR"
                ) from None

    def sweep(self) -> int:
        """Remove the folders of servers that have died; return how many."""
        return sum(self._remove_if_dead(folder) for folder in self._parent.iterdir() if folder != self.path)

    def close(self) -> None:
        """Remove it."""
        self._lock.release()
        shutil.rmtree(self.path, ignore_errors=True)

    def _remove_if_dead(self, folder: Path) -> bool:
        lock = folder / _LOCK
        if not lock.exists():  # it is just being made, or just being removed
            return False
        try:
            with FileLock(lock, timeout=0):
                shutil.rmtree(folder, ignore_errors=True)
        except (Timeout, OSError):
            return False
        return True


def end_orphans() -> int:
    """End the worker processes of servers that have died without telling them; return how many.

    A worker ends by itself when its server's pipe closes, unless it stands still or a library keeps it busy.
    """
    ended = 0
    for process in psutil.process_iter(["cmdline", "uids"]):
        words = process.info["cmdline"] or []
        if WORKER_PROGRAM not in words or (process.info["uids"] and process.info["uids"].real != _user()):
            continue
        with contextlib.suppress(psutil.Error, ValueError, KeyError, TypeError):
            if process.ppid() != json.loads(words[-1])["parent"]:
                process.kill()
                ended += 1
    return ended


def _user() -> int:
    return os.getuid() if hasattr(os, "getuid") else 0
