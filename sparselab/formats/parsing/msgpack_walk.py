"""A walk over a msgpack file: where each value lies, with none of the large ones read.

Our own walk, because the msgpack library hands over a copy of every tensor in the file at once; this keeps their places, so that
one is read at a time. Every count is held against the bytes that are left before it is believed.
Source: the msgpack specification (github.com/msgpack/msgpack/blob/master/spec.md).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from sparselab.core.errors import FileError

_MAX_DEPTH = 64
_MAX_VALUES = 1_000_000
_MAX_KEY = 4096

_FIXED = {
    0xC0: 0,
    0xC2: 0,
    0xC3: 0,
    0xCA: 4,
    0xCB: 8,
    0xCC: 1,
    0xCD: 2,
    0xCE: 4,
    0xCF: 8,
    0xD0: 1,
    0xD1: 2,
    0xD2: 4,
    0xD3: 8,
}
_INTEGERS = {0xCC: ">B", 0xCD: ">H", 0xCE: ">I", 0xCF: ">Q", 0xD0: ">b", 0xD1: ">h", 0xD2: ">i", 0xD3: ">q"}
_SIZED = {
    0xC4: ("bytes", 1), 0xC5: ("bytes", 2), 0xC6: ("bytes", 4), 0xD9: ("text", 1), 0xDA: ("text", 2), 0xDB: ("text", 4),
    0xC7: ("extension", 1), 0xC8: ("extension", 2), 0xC9: ("extension", 4), 0xDC: ("list", 2), 0xDD: ("list", 4),
    0xDE: ("map", 2), 0xDF: ("map", 4),
}  # fmt: skip


@dataclass(frozen=True)
class MsgpackValue:
    """One value: "number", "text", "bytes", "extension", "list" or "map"; where its content begins, its bytes or its items.

    `number` is the value of a whole number, `code` the type of an extension.
    """

    kind: str
    start: int
    size: int
    number: int | None = None
    code: int | None = None


def read_value(file: BinaryIO, end: int) -> MsgpackValue:
    """Return the value at the file's place, and leave the file at its content. Raises: FileError when it does not fit before `end`."""
    first = _take(file, 1, end)[0]
    if first < 0x80 or first >= 0xE0:
        return MsgpackValue("number", file.tell(), 0, first if first < 0x80 else first - 256)
    if first in _FIXED:
        start, content = file.tell(), _take(file, _FIXED[first], end)
        number = int(struct.unpack(_INTEGERS[first], content)[0]) if first in _INTEGERS else None
        return MsgpackValue("number", start, len(content), number)
    if 0xD4 <= first <= 0xD8:
        kind, size = "extension", 1 << (first - 0xD4)
    elif first < 0xA0:
        kind, size = ("map", first & 0x0F) if first < 0x90 else ("list", first & 0x0F)
    elif first < 0xC0:
        kind, size = "text", first & 0x1F
    elif first in _SIZED:
        kind, width = _SIZED[first]
        size = int.from_bytes(_take(file, width, end), "big")
    else:
        raise FileError("expected msgpack; got a byte that begins nothing")
    code = struct.unpack("b", _take(file, 1, end))[0] if kind == "extension" else None
    start = file.tell()
    if size * (2 if kind == "map" else 1) > end - start:
        raise FileError(f"expected {size} bytes or items at byte {start}; the file is cut short: send it again")
    return MsgpackValue(kind, start, size, code=code)


def walk(file: BinaryIO, end: int) -> Iterator[tuple[str, MsgpackValue]]:
    """Yield every value that is no map or list, with the keys that lead to it joined by "/".

    Raises: FileError for damage, nesting too deep, keys that are no texts or numbers, and a million values.
    """
    # (path, items left, whether it is a map, the number of the next item)
    open_items: list[list[object]] = []
    path: list[str] = []
    for _ in range(_MAX_VALUES):
        if open_items:
            left, is_map, at = open_items[-1]
            assert isinstance(left, int)
            assert isinstance(at, int)
            if left == at:
                open_items.pop()
                if not open_items:
                    break
                path.pop()
                continue
            open_items[-1][2] = at + 1
            path.append(_key(file, end) if is_map else str(at))
        value = read_value(file, end)
        if value.kind in ("map", "list"):
            if len(open_items) == _MAX_DEPTH:
                raise FileError(f"expected at most {_MAX_DEPTH} levels of nesting; got more")
            open_items.append([value.size, value.kind == "map", 0])
            continue
        yield "/".join(path), value
        if value.kind != "number":
            file.seek(value.start + value.size)
        if not open_items:
            break
        path.pop()
    else:
        raise FileError(f"expected fewer than {_MAX_VALUES} values; got more")
    if file.tell() != end:
        raise FileError(f"expected one value up to byte {end}; it ends at byte {file.tell()}")


def _key(file: BinaryIO, end: int) -> str:
    key = read_value(file, end)
    if key.kind == "number" and key.number is not None:
        return str(key.number)
    if key.kind not in ("text", "bytes") or key.size > _MAX_KEY:
        raise FileError(f"expected keys that are texts of up to {_MAX_KEY} bytes; got something else")
    return _take(file, key.size, end).decode("utf-8", "replace")


def _take(file: BinaryIO, count: int, end: int) -> bytes:
    content = file.read(count) if count <= end - file.tell() else b""
    if len(content) != count:
        raise FileError("expected a whole file; it is cut short: send it again")
    return content
