"""What happened in a run, one JSON line an event."""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import TracebackType
from typing import Any

_TAIL_BYTES = 2**16
_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)


class Events:
    """The file open for writing. `position` is its length in bytes: what a checkpoint remembers.

    On resume the file is cut to the position of the checkpoint, so that what came after it, half a line maybe, is not told
    twice. With `writes` false nothing is written.
    """

    def __init__(self, path: Path, *, writes: bool = True) -> None:
        self._path = path
        self._handle = os.open(path, _FLAGS, 0o644) if writes else None

    def write(self, event: dict[str, Any]) -> None:
        """Append one event."""
        if self._handle is not None:
            line = (json.dumps(event, allow_nan=False) + "\n").encode()
            while line:
                line = line[os.write(self._handle, line) :]

    @property
    def position(self) -> int:
        return 0 if self._handle is None else os.fstat(self._handle).st_size

    def cut(self, position: int) -> None:
        """Forget what was written after `position`; a file that is shorter loses no more than half a line."""
        if self._handle is None:
            return
        text = self._path.read_bytes()[:position]
        os.ftruncate(self._handle, text.rfind(b"\n") + 1)

    def sync(self) -> None:
        """Bring what was written to the disk."""
        if self._handle is not None:
            os.fsync(self._handle)

    def close(self) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def __enter__(self) -> Events:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def read_events(path: Path) -> tuple[dict[str, Any], ...]:
    """Return all events of a run, oldest first; half a line at the end is not yet one. No file: none."""
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return ()
    return _parse(text)


def read_tail(path: Path) -> tuple[dict[str, Any], ...]:
    """Return the events in the last 64 KiB."""
    try:
        with path.open("rb") as file:
            end = file.seek(0, os.SEEK_END)
            start = file.seek(max(0, end - _TAIL_BYTES))
            text = file.read()
    except FileNotFoundError:
        return ()
    return _parse(text[text.find(b"\n") + 1 :] if start else text)


def _parse(text: bytes) -> tuple[dict[str, Any], ...]:
    found = []
    for line in text[: text.rfind(b"\n") + 1].splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            continue  # a reader may look while a resumed run cuts the file
        if isinstance(event, dict) and "event" in event:
            found.append(event)
    return tuple(found)
