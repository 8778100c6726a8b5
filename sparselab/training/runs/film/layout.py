"""The format of a film's file: a header, then one record a frame, each whole with its checksum or not there.

    b"SLFILM1\\n" | uint32 length | header: JSON
    uint32 length of body | uint32 CRC-32 of what follows in the record | uint64 at | uint64 updates | body

All numbers are little-endian. A body is the zlib stream of all layers of the header in turn: the bits of the mask, rows padded to
bytes, then, where the header says groups, one uint32 a row. Records are only ever added at the end, so that a frame costs its own
bytes, and the half record that a killed writer leaves is not yet a frame.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparselab.core.errors import FileError

MAGIC = b"SLFILM1\n"
MOST_HEADER_BYTES = 2**20
MOST_LAYERS = 4096
MOST_NAME = 512
MOST_SIDE = 2**31 - 1
_LENGTH = struct.Struct("<I")
_RECORD = struct.Struct("<IIQQ")
_CHECKED = struct.Struct("<QQ")


@dataclass(frozen=True, kw_only=True)
class FilmHeader:
    """What all frames share: `layers` by name, rows and columns, whether groups of rows are kept, and what is known beside them."""

    layers: tuple[tuple[str, int, int], ...]
    groups: bool = False
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def frame_bytes(self) -> int:
        """Bytes of one frame before they are compressed."""
        return sum(rows * -(-cols // 8) + 4 * rows * self.groups for _, rows, cols in self.layers)


@dataclass(frozen=True)
class RawFrame:
    """One frame as it lies in a file: where the run was, how often masks had moved, and the compressed body."""

    at: int
    updates: int
    body: bytes


def most_record_bytes(frame_bytes: int) -> int:
    """Return what one frame can take in a file: zlib adds a little to what it cannot compress (its compressBound)."""
    return _RECORD.size + frame_bytes + (frame_bytes >> 12) + (frame_bytes >> 14) + (frame_bytes >> 25) + 13


def header_bytes(header: FilmHeader) -> bytes:
    """Return the start of a file."""
    text = json.dumps({"layers": header.layers, "groups": header.groups, **header.facts}, allow_nan=False).encode()
    return MAGIC + _LENGTH.pack(len(text)) + text


def record_bytes(
    at: int, updates: int, masks: Sequence[NDArray[np.uint8]], groups: Sequence[NDArray[np.int32]] | None
) -> bytes:
    """Return one frame: the packed bits of every layer and, where there are some, the groups of its rows."""
    parts: list[bytes] = []
    for place, bits in enumerate(masks):
        parts.append(bits.tobytes())
        if groups is not None:
            parts.append(groups[place].astype("<u4").tobytes())
    body = zlib.compress(b"".join(parts), level=6)
    checked = _CHECKED.pack(at, updates)
    return _RECORD.pack(len(body), zlib.crc32(body, zlib.crc32(checked)), at, updates) + body


def parse_header(start: bytes, name: str) -> tuple[FilmHeader, int]:
    """Return the header and the place at which records start, from the first bytes of a file. Raises: FileError."""
    first = len(MAGIC) + _LENGTH.size
    if start[: len(MAGIC)] != MAGIC or len(start) < first:
        raise FileError(f"expected a film in {name}; it starts otherwise: choose one that a run kept")
    (length,) = _LENGTH.unpack(start[len(MAGIC) : first])
    if length > MOST_HEADER_BYTES or first + length > len(start):
        raise FileError(f"expected the header of a film in {name}; it is damaged")
    try:
        told = json.loads(start[first : first + length])
        layers = tuple(_layer(item) for item in told.pop("layers"))
        groups = told.pop("groups")
        if not isinstance(groups, bool) or not 1 <= len(layers) <= MOST_LAYERS or len(dict_of(layers)) < len(layers):
            raise ValueError
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise FileError(f"expected the header of a film in {name}; it is damaged") from None
    return FilmHeader(layers=layers, groups=groups, facts=told), first + length


def dict_of(layers: Sequence[tuple[str, int, int]]) -> dict[str, tuple[int, int]]:
    """Return the shapes of layers by their names."""
    return {name: (rows, cols) for name, rows, cols in layers}


def records(content: memoryview, start: int) -> Iterator[RawFrame]:
    """Yield the frames from `start` on, as far as they are whole: the first half or damaged one ends them."""
    before = (-1, -1)
    while start + _RECORD.size <= len(content):
        length, checksum, at, updates = _RECORD.unpack(content[start : start + _RECORD.size])
        start += _RECORD.size
        body = content[start : start + length]
        if len(body) < length or zlib.crc32(body, zlib.crc32(_CHECKED.pack(at, updates))) != checksum:
            return
        if not (at >= before[0] and updates >= before[1] and at <= MOST_SIDE and updates <= MOST_SIDE):
            return
        before = (at, updates)
        yield RawFrame(at, updates, bytes(body))
        start += length


def whole_bytes(content: memoryview, start: int) -> int:
    """Return where the last whole frame ends."""
    return start + sum(_RECORD.size + len(frame.body) for frame in records(content, start))


def expanded(frame: RawFrame, header: FilmHeader) -> bytes | None:
    """Return the bytes of a frame, exactly as many as its header says; None where its body holds something else."""
    stream, size = zlib.decompressobj(), header.frame_bytes
    try:
        found = stream.decompress(frame.body, size + 1)
    except zlib.error:
        return None
    return found if len(found) == size and stream.eof else None


def _layer(item: Any) -> tuple[str, int, int]:
    name, rows, cols = item
    sides = (rows, cols)
    if not isinstance(name, str) or len(name) > MOST_NAME or not all(type(n) is int for n in sides):
        raise ValueError
    if not all(1 <= n <= MOST_SIDE for n in sides):
        raise ValueError
    return name, rows, cols
