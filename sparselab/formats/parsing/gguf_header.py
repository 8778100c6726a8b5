"""The header of a GGUF file: its tensors' names, shapes, types and places, with every count held against the file's bytes.

    b"GGUF" | version 2 or 3 | number of tensors | number of keys | keys and values | tensors | padding | data

Our own reader, because the gguf library maps the whole file and builds an array for each of the vocabulary's words.
Source: the GGUF specification (github.com/ggml-org/ggml/blob/master/docs/gguf.md).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from sparselab.core.errors import FileError
from sparselab.formats.base import check_count
from sparselab.formats.options import ReadLimits

MAGIC = b"GGUF"
_WIDTHS = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
_STRING, _ARRAY, _UINT32 = 8, 9, 4
_MOST_ITEMS = 4_000_000
_MOST_DEPTH = 4
_MOST_NAME = 1024
_MOST_RANK = 8
_DEFAULT_ALIGNMENT = 32
_MOST_ALIGNMENT = 2**16


@dataclass(frozen=True, kw_only=True)
class GgufTensor:
    """One tensor: `shape` with the axis that runs fastest last, as in NumPy (the file has it first); `type` is ggml's number."""

    name: str
    shape: tuple[int, ...]
    type: int
    offset: int


def read_gguf_header(path: Path, limits: ReadLimits) -> tuple[list[GgufTensor], dict[str, str]]:
    """Return the tensors, and the texts that describe the model. Raises: FileError for damage and for what asks for too much."""
    size = path.stat().st_size
    with path.open("rb") as file:
        reader = _Reader(file, size)
        file.seek(len(MAGIC))
        version = reader.number("<I")
        if version not in (2, 3):
            raise FileError(f"expected GGUF of version 2 or 3, little-endian; got {version}: convert it again")
        tensors, keys = reader.number("<Q"), reader.number("<Q")
        check_count("tensors", tensors, limits.max_tensors)
        check_count("keys", keys, limits.max_tensors)
        metadata: dict[str, str] = {}
        alignment = _DEFAULT_ALIGNMENT
        for _ in range(keys):
            key, kind = reader.text(), reader.number("<I")
            if key == "general.alignment" and kind == _UINT32:
                alignment = reader.number("<I")
            elif key.startswith("general.") and kind == _STRING:
                text = reader.text(required=False)
                metadata |= {key: text} if text else {}
            else:
                reader.skip(kind)
        if not 0 < alignment <= _MOST_ALIGNMENT:
            raise FileError(f"expected an alignment from 1 to {_MOST_ALIGNMENT}; got {alignment}")
        found = [reader.tensor() for _ in range(tensors)]
        start = -(-file.tell() // alignment) * alignment
    if len({tensor.name for tensor in found}) != len(found):
        raise FileError("expected every name once; one comes twice")
    return [
        GgufTensor(name=item.name, shape=item.shape, type=item.type, offset=start + item.offset) for item in found
    ], metadata


class _Reader:
    """Reads from a file of `size` bytes and never past them."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file, self._size, self._items = file, size, 0

    def number(self, form: str) -> int:
        return int(struct.unpack(form, self._take(struct.calcsize(form)))[0])

    def text(self, *, required: bool = True) -> str:
        """Return a short text; "" for a long one that is not `required`."""
        length = self.number("<Q")
        if length > _MOST_NAME:
            if required:
                raise FileError(f"expected names of at most {_MOST_NAME} bytes; got {length}")
            self._pass(length)
            return ""
        return self._take(length).decode("utf-8", "replace")

    def skip(self, kind: int, depth: int = 0) -> None:
        """Pass by a value of a key."""
        self._items += 1
        if self._items > _MOST_ITEMS or depth > _MOST_DEPTH:
            raise FileError(f"expected at most {_MOST_ITEMS} values in {_MOST_DEPTH} levels; got more")
        if kind in _WIDTHS:
            self._pass(_WIDTHS[kind])
        elif kind == _STRING:
            self._pass(self.number("<Q"))
        elif kind == _ARRAY:
            inner, count = self.number("<I"), self.number("<Q")
            if inner in _WIDTHS:
                self._pass(count * _WIDTHS[inner])
                return
            if count * 8 > self._size:
                raise FileError(f"expected a list that fits into {self._size} bytes; it claims {count} items")
            for _ in range(count):
                self.skip(inner, depth + 1)
        else:
            raise FileError(f"expected a value of a known type; got type {kind}")

    def tensor(self) -> GgufTensor:
        name, rank = self.text(), self.number("<I")
        if rank > _MOST_RANK:
            raise FileError(f"expected at most {_MOST_RANK} dimensions; got {rank}")
        sizes = [self.number("<Q") for _ in range(rank)]
        return GgufTensor(name=name, shape=tuple(sizes[::-1]), type=self.number("<I"), offset=self.number("<Q"))

    def _take(self, count: int) -> bytes:
        content = self._file.read(count)
        if len(content) != count:
            raise FileError("expected a whole header; the file is cut short: send it again")
        return content

    def _pass(self, count: int) -> None:
        if count > self._size - self._file.tell():
            raise FileError("expected a whole header; the file is cut short: send it again")
        self._file.seek(count, 1)
