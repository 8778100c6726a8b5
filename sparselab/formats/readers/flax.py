"""Parameters that flax.serialization.to_bytes wrote (.msgpack): nested maps whose arrays are extensions of msgpack.

    extension 1     an array: [shape, name of the type, bytes], itself msgpack; in C order
    map             {"__msgpack_chunked_array__": true, "shape": {"0": ..}, "chunks": {"0": array, ..}} for one above a gigabyte

Flax keeps kernels with the outputs last: (in, out) of a Dense, (h, w, in, out) of a Conv.
Source: flax.serialization (github.com/google/flax).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from sparselab.core.errors import FileError
from sparselab.core.inputs.arrays import PLAIN_TYPES
from sparselab.core.inputs.words import widen_bfloat16
from sparselab.core.ticket import Skipped
from sparselab.formats.base import (
    Archive,
    ArchiveEntry,
    Format,
    Head,
    check_count,
    check_total,
    read_array,
    shape_fault,
)
from sparselab.formats.names import clean_name
from sparselab.formats.options import ReadLimits
from sparselab.formats.parsing.msgpack_walk import read_value, walk
from sparselab.formats.parsing.torch_values import BFLOAT16_NOTE

_ARRAY = 1
_CHUNKED = "__msgpack_chunked_array__"
_MOST_SIZES = 32
_DTYPES = {np.dtype(code).name: np.dtype(code) for code in PLAIN_TYPES} | {"bfloat16": np.dtype(np.uint16)}
_KERNEL_AXES = {2: "IO", 4: "HWIO", 5: "DHWIO"}  # three axes are a Conv of one dimension or an attention's DenseGeneral
_START = re.compile(rb"(?:[\x81-\x8f]|\xde..|\xdf....)(?:[\xa1-\xbf]|\xd9.)[A-Za-z_]", re.DOTALL)


@dataclass(frozen=True)
class _Stored:
    """An array in the file: its shape, its type as the file names it, and where each piece of it lies."""

    shape: tuple[int, ...]
    type_name: str
    pieces: tuple[tuple[int, int], ...]  # (offset, elements)


def open_flax(path: Path, limits: ReadLimits) -> Archive:
    """Return the arrays of a file, named by the keys that lead to them, joined by "/"; only their headers are read.

    Raises: FileError when the file is no whole msgpack, or names more than the limit.
    """
    arrays: dict[str, _Stored] = {}
    others: dict[str, int | None] = {}
    size = path.stat().st_size
    try:
        with path.open("rb") as file:
            for name, value in walk(file, size):
                check_count("tensors", len(arrays) + len(others), limits.max_tensors)
                if value.code == _ARRAY:
                    arrays[name] = _read_header(file, value.start + value.size)
                else:
                    others[name] = value.number
    except FileError as error:
        raise FileError(f"{clean_name(path.name)}: {error}") from None
    skipped = _join_chunks(arrays, others)
    entries = []
    for name, stored in arrays.items():
        fault = shape_fault(stored.shape, limits) or _fault(stored)
        if fault:
            skipped.append(Skipped(clean_name(name), fault))
        else:
            entries.append(_entry(path, name, stored))
    skipped += [Skipped(clean_name(name), "not a tensor") for name in others]
    check_total(entries, limits)
    notes = (BFLOAT16_NOTE,) if any(entry.stored for entry in entries) else ()
    return Archive(tuple(entries), tuple(skipped), notes=notes)


def _read_header(file: BinaryIO, end: int) -> _Stored:
    """Return the array whose extension ends at `end`. Raises: FileError when it is none."""
    wrong = FileError(
        "expected arrays of a shape, a type and bytes, as flax.serialization writes them; got something else"
    )
    parts, sizes = read_value(file, end), read_value(file, end)
    if (parts.kind, parts.size, sizes.kind) != ("list", 3, "list") or sizes.size > _MOST_SIZES:
        raise wrong
    shape = [read_value(file, end).number for _ in range(sizes.size)]
    name = read_value(file, end)
    if name.kind not in ("text", "bytes") or name.size > _MOST_SIZES:
        raise wrong
    type_name = file.read(name.size).decode("latin1")
    data = read_value(file, end)
    if data.kind not in ("text", "bytes") or data.start + data.size != end or any(item is None for item in shape):
        raise wrong
    return _Stored(tuple(int(item or 0) for item in shape), type_name, ((data.start, data.size),))


def _join_chunks(arrays: dict[str, _Stored], others: dict[str, int | None]) -> list[Skipped]:
    """Put the pieces of every chunked array together, in place; return those that do not fit, with the reason."""
    skipped = []
    for name in [name.removesuffix(f"/{_CHUNKED}") for name in others if name.endswith(f"/{_CHUNKED}")]:
        del others[f"{name}/{_CHUNKED}"]
        shape = _take_numbered(others, f"{name}/shape/")
        chunks = [chunk for chunk in _take_numbered(arrays, f"{name}/chunks/") if chunk is not None]
        types = {chunk.type_name for chunk in chunks}
        whole = all(size is not None and size >= 0 for size in shape)
        if len(types) != 1 or not whole or sum(prod(chunk.shape) for chunk in chunks) != prod(s or 0 for s in shape):
            skipped.append(Skipped(clean_name(name), "a chunked array whose chunks do not make its shape"))
            continue
        pieces = tuple(piece for chunk in chunks for piece in chunk.pieces)
        arrays[name] = _Stored(tuple(s or 0 for s in shape), types.pop(), pieces)
    return skipped


def _take_numbered(values: dict[str, Any], prefix: str) -> list[Any]:
    found: list[Any] = []
    while (key := f"{prefix}{len(found)}") in values:
        found.append(values.pop(key))
    return found


def _fault(stored: _Stored) -> str:
    if stored.type_name not in _DTYPES:
        return f"{clean_name(stored.type_name)} values are never read"
    expected = prod(stored.shape) * _DTYPES[stored.type_name].itemsize
    got = sum(size for _, size in stored.pieces)
    return "" if got == expected else f"expected {expected} bytes for its shape; got {got}"


def _entry(path: Path, name: str, stored: _Stored) -> ArchiveEntry:
    dtype, is_half = _DTYPES[stored.type_name], stored.type_name == "bfloat16"

    def load_stored() -> NDArray[Any]:
        pieces = [
            read_array(path, start, dtype.newbyteorder("<"), (size // dtype.itemsize,)) for start, size in stored.pieces
        ]
        return (pieces[0] if len(pieces) == 1 else np.concatenate(pieces)).reshape(stored.shape)

    return ArchiveEntry(
        name=name or path.stem,
        shape=stored.shape,
        dtype=np.dtype(np.float32) if is_half else dtype,
        load=(lambda: widen_bfloat16(load_stored())) if is_half else load_stored,
        stored="bfloat16" if is_half else "",
        load_stored=load_stored if is_half else None,
        axes=_KERNEL_AXES.get(len(stored.shape), "") if name.rpartition("/")[2] == "kernel" else "",
    )


def _recognises(head: Head) -> bool:
    return head.members is None and (_START.match(head.start) is not None or head.suffix == ".msgpack")


FORMAT = Format(
    name="flax",
    title="a Flax checkpoint",
    suffixes=(".msgpack",),
    recognises=_recognises,
    open=open_flax,
    parsed_by="python",
    has_shapes=True,
)
