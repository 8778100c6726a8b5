"""Protocol buffers as they lie in a file: fields are walked one after the other, and what nobody asks for is passed over.

    field = key: varint, number << 3 | kind | value: a varint (kind 0), 8 bytes (1), length and as many bytes (2), 4 bytes (5)

Our own reader, because the library builds every message of a file in memory, weights and all, and stops at 2 GiB; headers need
neither. Nothing here recurs, and every length is checked against what is around it.
Source: protobuf.dev/programming-guides/encoding.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from sparselab.core.errors import FileError

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5
_PAGE_BYTES = 16_384
_MOST_PARTS = 65_536
_WIDTHS = {FIXED64: 8, FIXED32: 4}


class Field(NamedTuple):
    """One field: its number and kind, the value of a varint, where it begins, and where its payload lies.

    `length_at` is where the length of a payload stands, which ends at `start`.
    """

    number: int
    kind: int
    value: int
    begin: int
    length_at: int
    start: int
    end: int

    @property
    def size(self) -> int:
        """Bytes of the payload."""
        return self.end - self.start


class Wire:
    """The fields of a file, read in small pages. `most` bytes of keys, numbers and texts are looked at, then it is too long."""

    def __init__(self, file: BinaryIO, size: int, label: str, most: int) -> None:
        self.size = size
        self._file, self._label, self._most = file, label, most
        self._page, self._first, self._spent = b"", 0, 0

    def fields(self, start: int, end: int) -> Iterator[Field]:
        """Yield the fields between two places. Raises: FileError for what is no field, or reaches past the end."""
        at = start
        while at < end:
            begin = at
            key, at = self._varint(at, end)
            number, kind, value, length_at = key >> 3, key & 7, 0, at
            if kind == VARINT:
                value, stop = self._varint(at, end)
            elif kind == LENGTH:
                length, at = self._varint(at, end)
                stop = at + length
            else:
                stop = at + _WIDTHS.get(kind, end)
            if not number or stop > end:
                raise self._damaged(begin)
            self._spend((stop if kind == VARINT else at) - begin)
            yield Field(number, kind, value, begin, length_at, at, stop)
            at = stop

    def inside(self, field: Field) -> Iterator[Field]:
        """Yield the fields of a message. Raises: FileError when the field holds none."""
        if field.kind != LENGTH:
            raise self._damaged(field.begin)
        return self.fields(field.start, field.end)

    def parts(self, field: Field) -> dict[int, list[Field]]:
        """Return the fields of a message by their numbers. Raises: FileError when the field holds none, or too many."""
        found: dict[int, list[Field]] = defaultdict(list)
        for count, part in enumerate(self.inside(field)):
            if count == _MOST_PARTS:
                raise FileError(f"{self._label}: expected messages of at most {_MOST_PARTS} fields; got more")
            found[part.number].append(part)
        return found

    def text(self, field: Field) -> str:
        """Return the text in a field, with signs for bytes that are none."""
        if field.kind != LENGTH:
            raise self._damaged(field.begin)
        self._spend(field.size)
        return self.bytes(field.start, field.end).decode("utf-8", errors="replace")

    def integers(self, field: Field) -> list[int]:
        """Return the signed numbers of one field, packed or not."""
        if field.kind == VARINT:
            return [signed(field.value)]
        if field.kind != LENGTH:
            raise self._damaged(field.begin)
        self._spend(field.size)
        at, numbers = field.start, []
        while at < field.end:
            value, at = self._varint(at, field.end)
            numbers.append(signed(value))
        return numbers

    def bytes(self, start: int, end: int) -> bytes:
        """Return the bytes between two places."""
        if self._first <= start and end <= self._first + len(self._page):
            return self._page[start - self._first : end - self._first]
        self._file.seek(start)
        return self._file.read(end - start)

    def _varint(self, at: int, end: int) -> tuple[int, int]:
        begin, value = at, 0
        while at < end:
            place = at - self._first
            if not 0 <= place < len(self._page):
                self._file.seek(at)
                self._page, self._first, place = self._file.read(_PAGE_BYTES), at, 0
                if not self._page:
                    break
            byte = self._page[place]
            value |= (byte & 127) << 7 * (at - begin)
            at += 1
            if byte < 128:
                return value % 2**64, at
            if at - begin == 10:
                break
        raise self._damaged(begin)

    def _spend(self, count: int) -> None:
        self._spent += count
        if self._spent > self._most:
            raise FileError(
                f"{self._label}: expected a graph of at most {self._most} bytes besides its weights; got more"
            )

    def _damaged(self, at: int) -> FileError:
        return FileError(f"{self._label}: expected an ONNX model that is whole; it is cut or damaged at byte {at}")


def signed(value: int) -> int:
    """Return the 64 bits of a number as a signed one."""
    return value - 2**64 if value >= 2**63 else value


def varint(value: int) -> bytes:
    """Return a number as a varint.

    Example: >>> varint(300).hex()
             'ac02'
    """
    groups = []
    while value > 127:
        groups.append(value & 127 | 128)
        value >>= 7
    return bytes([*groups, value])


def field_bytes(number: int, payload: bytes | int) -> bytes:
    """Return a field: a number as a varint, bytes with their length.

    Example: >>> field_bytes(1, b"ab").hex(), field_bytes(2, 7).hex()
             ('0a026162', '1007')
    """
    if isinstance(payload, int):
        return varint(number << 3) + varint(payload)
    return varint(number << 3 | LENGTH) + varint(len(payload)) + payload
