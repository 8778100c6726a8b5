"""Answers on disk under the digest of their task: what was computed once is not computed again after a crash or a restart.

    file name: SHA-256 of the task        content: b"SLR1" | SHA-256 of the message | the message (see `messages`)

A task is everything that its answer depends on, this package's version and its own code included. An answer that depends on
more, such as a search that the clock ended, and what differs from run to run, such as seconds, must not be put in.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from sparselab.core.atomic_files import DAY_SECONDS, atomic_path, sweep
from sparselab.core.errors import SparselabError
from sparselab.core.version import __version__
from sparselab.runtime import messages

MOST_BYTES = 4 * 2**30
"""What a store may take before the answers that nobody has asked for longest are removed: a bit a weight of a model of 30
billion weights."""

_LOOKS = 1000
"""A process looks through the folder when it first puts something in, and then whenever it has put in this part of what fits: ten
thousand small answers must not cost as many looks at ten thousand files."""

_unlooked: dict[Path, int] = {}
"""By folder, the bytes that this process has put in since its last look."""

_MAGIC = b"SLR1"
_SUFFIX = ".result"
_PACKAGE = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class ResultStore:
    """A folder of answers, made when the first is put in. Safe for several processes at once: files are whole or absent."""

    folder: Path
    most_bytes: int = MOST_BYTES

    def get(self, task: Mapping[str, Any]) -> Any | None:
        """Return the answer to `task`, or None where there is none, or its file is damaged; that is then removed."""
        path = self._path(task)
        try:
            content = path.read_bytes()
        except OSError:
            return None
        start = len(_MAGIC) + hashlib.sha256().digest_size
        message = content[start:]
        if content[:start] == _MAGIC + hashlib.sha256(message).digest():
            with contextlib.suppress(SparselabError):
                answer = messages.load(message)
                with contextlib.suppress(OSError):
                    os.utime(path)  # asked for: among the last to be removed
                return answer
        with contextlib.suppress(OSError):
            path.unlink()
        return None

    def put(self, task: Mapping[str, Any], answer: Any) -> None:
        """Keep the answer to `task`, whole or not at all; a folder that cannot be written to costs the same time again."""
        message = messages.dump(answer)
        path = self._path(task)
        with contextlib.suppress(OSError):
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with atomic_path(path, is_remakeable=True) as temporary:
                temporary.write_bytes(_MAGIC + hashlib.sha256(message).digest() + message)
            _unlooked[self.folder] = _unlooked.get(self.folder, self.most_bytes) + len(message)
            if _unlooked[self.folder] >= self.most_bytes // _LOOKS:
                _unlooked[self.folder] = 0
                sweep(self.folder, older_than=DAY_SECONDS)
                self._make_room()

    def _path(self, task: Mapping[str, Any]) -> Path:
        return self.folder / f"{task_digest(task)}{_SUFFIX}"

    def _make_room(self) -> None:
        """Remove the answers that were asked for longest ago until what is left may stay."""
        found = []
        for path in self.folder.glob(f"*{_SUFFIX}"):
            with contextlib.suppress(OSError):  # another process has just removed it
                status = path.stat()
                found.append((status.st_mtime_ns, path.name, status.st_size))
        size = sum(bytes_ for _, _, bytes_ in found)
        for _, name, bytes_ in sorted(found):
            if size <= self.most_bytes:
                break
            with contextlib.suppress(OSError):
                (self.folder / name).unlink()
            size -= bytes_


def task_digest(task: Mapping[str, Any], *, version: str | None = None, code: str | None = None) -> str:
    """Return the SHA-256 of a task of plain values, with the version of this package and the digest of its code, or with others.

    Example: >>> task_digest({"a": 1, "b": (2, 3)}) == task_digest({"b": [2, 3], "a": 1}) != task_digest({"a": 1})
             True
    """
    whole = {"task": dict(task), "version": version or __version__, "code": code or code_digest()}
    return hashlib.sha256(json.dumps(whole, sort_keys=True, allow_nan=False).encode()).hexdigest()


@cache
def code_digest() -> str:
    """Return the SHA-256 of this package's Python files: a checkout that is worked on has one version for many answers."""
    whole = hashlib.sha256()
    for path in sorted(_PACKAGE.rglob("*.py")):
        whole.update(f"{path.relative_to(_PACKAGE).as_posix()}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return whole.hexdigest()
