"""A part of a file as a file of its own."""

from __future__ import annotations

import io
from pathlib import Path

from typing_extensions import Buffer


class FileWindow(io.RawIOBase):
    """The `size` bytes of a file from `start` on, to be read."""

    def __init__(self, path: Path, start: int, size: int) -> None:
        self._file, self._start, self._size, self._at = path.open("rb", buffering=0), start, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: Buffer) -> int:
        room = memoryview(buffer).cast("B")
        count = min(len(room), max(0, self._size - self._at))
        self._file.seek(self._start + self._at)
        got = self._file.readinto(room[:count])
        self._at += got
        return got

    def close(self) -> None:
        self._file.close()
        super().close()
