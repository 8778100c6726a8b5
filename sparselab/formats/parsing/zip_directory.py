"""How many members the directory of a zip archive lists, counted without an object for each."""

from __future__ import annotations

import struct
from pathlib import Path

_END = struct.Struct("<4s4H2LH")  # signature, disks, counts, size and place of the directory, length of the comment
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR64_SIZE = 20
_RECORD = struct.Struct("<4s24x3H12x")  # signature; lengths of name, extra field and comment
_LONGEST_COMMENT = 2**16


def count_members(path: Path, most: int) -> int:
    """Return how many records the directory has, at most `most`; 0 where no directory is found, which the reader of it says.

    Source: APPNOTE.TXT of PKWARE, 4.3.12 to 4.3.16; the end is looked for where the standard library's zipfile does.
    """
    with path.open("rb") as file:
        size = file.seek(0, 2)
        tail_at = max(0, size - _LONGEST_COMMENT - _END.size)
        file.seek(tail_at)
        tail = file.read()
        at = _end_in(tail)
        if at < 0:
            return 0
        length, end = _END.unpack_from(tail, at)[5], tail_at + at
        before = _END64.size + _LOCATOR64_SIZE
        if end >= before:
            file.seek(end - before)
            record = file.read(before)
            if record.startswith(b"PK\6\6") and record.startswith(b"PK\6\7", _END64.size):
                length, end = _END64.unpack_from(record)[8], end - before
        count = 0
        file.seek(max(0, end - length))
        while count < most and file.tell() < end:
            head = file.read(_RECORD.size)
            if len(head) < _RECORD.size or not head.startswith(b"PK\1\2"):
                break
            file.seek(sum(_RECORD.unpack(head)[1:]), 1)
            count += 1
        return count


def _end_in(tail: bytes) -> int:
    """Return where the record of the directory's end begins; -1 for none."""
    last = len(tail) - _END.size
    if last >= 0 and tail.startswith(b"PK\5\6", last) and tail.endswith(b"\0\0"):
        return last
    found = tail.rfind(b"PK\5\6")
    return found if 0 <= found <= last else -1
