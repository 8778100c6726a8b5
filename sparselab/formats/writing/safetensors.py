"""Tensors into .safetensors: a file of their own, or in place of some of another file's.

Our own writer, because the library's takes everything in memory at once, knows fewer types, and sorts the names.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from sparselab.core.errors import FileError
from sparselab.formats.options import ReadLimits
from sparselab.formats.parsing.safetensors_header import TensorRange, read_header
from sparselab.formats.writing.tensors import BFLOAT16, Changes, NewTensor, check_changed, narrow_bfloat16

_CODES = {
    "bool": "BOOL", "uint8": "U8", "int8": "I8", "uint16": "U16", "int16": "I16", "uint32": "U32", "int32": "I32",
    "uint64": "U64", "int64": "I64", "float16": "F16", "float32": "F32", "float64": "F64", "bfloat16": "BF16",
    "float8_e4m3fn": "F8_E4M3", "float8_e5m2": "F8_E5M2", "float8_e8m0fnu": "F8_E8M0", "complex64": "C64",
}  # fmt: skip
_CHUNK = 2**22
_ALIGNMENT = 8


@dataclass(frozen=True, kw_only=True)
class _Piece:
    """One tensor of the new file: its line in the header, its bytes' count, how to write them, and after which others."""

    name: str
    code: str
    shape: tuple[int, ...]
    size: int
    write: Callable[[BinaryIO], None]
    place: int = 0

    @property
    def width(self) -> int:
        return self.size // max(1, prod(self.shape))


def write_safetensors(tensors: Iterable[NewTensor], path: Path) -> None:
    """Write tensors to a file, one at a time. Raises: FileError for a type that the format lacks."""
    _write([_new(tensor) for tensor in tensors], {}, path)


def rewrite_safetensors(source: Path, changes: Changes, out: Path, limits: ReadLimits) -> tuple[str, ...]:
    """Write a file with some tensors changed; all else is copied byte by byte, types and metadata as they are."""
    ranges, metadata = read_header(source, limits)
    check_changed(changes, ((item.name, "unknown") for item in ranges))
    sizes = _sizes(ranges, source.stat().st_size)
    pieces: list[_Piece] = []
    for item in ranges:
        news = changes.get((item.name, "unknown"))
        found = [_copied(source, item, sizes[item.name])] if news is None else map(_new, news)
        pieces += [replace(piece, place=item.offset) for piece in found]  # the header may have another order
    _write(pieces, metadata, out)
    return ()


def _sizes(ranges: Sequence[TensorRange], end: int) -> dict[str, int]:
    """How many bytes each tensor has: they lie end to end. Not by their types: those are copied without being known."""
    sizes = {}
    for item in sorted(ranges, key=lambda item: (item.offset, prod(item.shape) > 0), reverse=True):
        sizes[item.name] = end - item.offset if prod(item.shape) else 0
        end = item.offset
    return sizes


def _copied(source: Path, item: TensorRange, size: int) -> _Piece:
    def write(file: BinaryIO) -> None:
        with source.open("rb") as original:
            original.seek(item.offset)
            left = size
            while left:
                chunk = original.read(min(left, _CHUNK))
                if not chunk:
                    raise FileError(f"{source.name}: expected {size} bytes from byte {item.offset}: it has changed")
                file.write(chunk)
                left -= len(chunk)

    return _Piece(name=item.name, code=item.dtype, shape=item.shape, size=size, write=write)


def _new(tensor: NewTensor) -> _Piece:
    if tensor.stored not in _CODES:
        raise FileError(f"{tensor.name}: expected a type that .safetensors holds; got {tensor.stored}: leave it out")
    width = 2 if tensor.stored == BFLOAT16 else 1 if "float8" in tensor.stored else np.dtype(tensor.stored).itemsize

    def write(file: BinaryIO) -> None:
        array = tensor.load()
        if tensor.stored == BFLOAT16 and array.dtype == np.float32:
            array = narrow_bfloat16(array)
        np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tofile(file)

    size = prod(tensor.shape) * width
    return _Piece(name=tensor.name, code=_CODES[tensor.stored], shape=tensor.shape, size=size, write=write)


def _write(pieces: Sequence[_Piece], metadata: Mapping[str, str], path: Path) -> None:
    # Widest first, as the library has it: readers map the file and need every tensor at a multiple of its width.
    placed = sorted(pieces, key=lambda piece: (-piece.width, piece.place))
    ends, reached = {}, 0
    for piece in placed:
        reached += piece.size
        ends[piece.name] = reached
    header: dict[str, Any] = {"__metadata__": dict(metadata)} if metadata else {}
    for piece in pieces:
        offsets = [ends[piece.name] - piece.size, ends[piece.name]]
        header[piece.name] = {"dtype": piece.code, "shape": list(piece.shape), "data_offsets": offsets}
    if len(header) != len(pieces) + bool(metadata):
        raise FileError("expected every name once in a new .safetensors file; one comes twice: choose another form")
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % _ALIGNMENT)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for piece in placed:
            piece.write(file)
        if file.tell() != 8 + len(text) + reached:
            raise FileError("expected tensors of the sizes in the header; the source changed while it was read")
