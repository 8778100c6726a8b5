"""Tensors of a checkpoint as entries: read by plain reads from where their storages lie, without torch."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from math import prod
from operator import mul
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparselab.core.errors import FileError
from sparselab.core.inputs.arrays import in_words, plain_dtype
from sparselab.core.ticket import Skipped
from sparselab.formats.base import ArchiveEntry, Role, read_array, shape_fault
from sparselab.formats.names import clean_name
from sparselab.formats.options import ReadLimits
from sparselab.formats.parsing.checkpoints.pickled_values import (
    ArrayRef,
    Found,
    SparseRef,
    StorageRef,
    TensorRef,
    Unread,
)
from sparselab.formats.parsing.checkpoints.sparse_layouts import dense_of, sparse_fault
from sparselab.formats.parsing.stored_types import WORDS, load_widened, widen

_NUMPY: Mapping[str, str] = MappingProxyType({
    "bool": "b1", "uint8": "u1", "int8": "i1", "uint16": "u2", "int16": "i2", "uint32": "u4", "int32": "i4", "uint64": "u8",
    "int64": "i8", "float16": "f2", "float32": "f4", "float64": "f8",
})  # fmt: skip
_WIDTHS: Mapping[str, int] = MappingProxyType({
    "complex32": 4, "complex64": 8, "complex128": 16, "QInt8Storage": 1, "QUInt8Storage": 1, "QInt32Storage": 4,
    "QUInt4x2Storage": 1, "QUInt2x4Storage": 1,
})  # fmt: skip
"""Types that are not read, but whose storages must be stepped over."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where the bytes of a storage lie. `checksum`: their CRC-32, 0 where nobody wrote it down; torch can leave it out."""

    path: Path
    offset: int
    size: int
    checksum: int = 0


@dataclass(frozen=True, kw_only=True)
class Storages:
    """The storages of a file: where each lies, by what its key finds, and in which order ("<" or ">") its bytes run."""

    find: Callable[[str], Place | str]
    order: str = "<"


def width_of(dtype: str) -> int | None:
    """Return the bytes that an element of a type of torch takes; None for types that are not known."""
    if dtype in _WIDTHS:
        return _WIDTHS[dtype]
    code = _NUMPY.get(dtype) or WORDS.get(dtype)
    return None if code is None else np.dtype(code).itemsize


def torch_entry(name: str, found: Found, storages: Storages, role: Role, limits: ReadLimits) -> ArchiveEntry | Skipped:
    """Return a tensor as an entry, or why it is not read: no tensor of a file costs the others."""
    label = clean_name(name)
    if isinstance(found, Unread):
        return Skipped(label, found.reason)
    if fault := shape_fault(found.shape, limits):
        return Skipped(label, fault)
    if isinstance(found, ArrayRef):
        return _array_entry(name, found, role)
    if isinstance(found, SparseRef):
        return _sparse_entry(name, found, storages, role)
    place = _placed(found, storages)
    if isinstance(place, str):
        return Skipped(label, place)
    load = partial(_load, found, place, storages.order)
    if found.dtype in WORDS:
        return ArchiveEntry(
            name=name,
            shape=found.shape,
            dtype=np.dtype(np.float32),
            load=partial(load_widened, load, found.dtype),
            role=role,
            stored=found.dtype,
            load_stored=load,
        )
    return ArchiveEntry(name=name, shape=found.shape, dtype=np.dtype(_NUMPY[found.dtype]), load=load, role=role)


def _array_entry(name: str, array: ArrayRef, role: Role) -> ArchiveEntry | Skipped:
    dtype = plain_dtype(array.dtype)
    if dtype is None:
        return Skipped(clean_name(name), f"{in_words(array.dtype)} are never read")
    if len(array.data) != prod(array.shape) * dtype.itemsize:
        return Skipped(clean_name(name), "an array whose numbers are cut short")

    def load() -> NDArray[Any]:
        values = np.frombuffer(array.data, dtype).astype(dtype.newbyteorder("="))
        return values.reshape(array.shape, order="F" if array.fortran_order else "C")

    return ArchiveEntry(name=name, shape=array.shape, dtype=dtype.newbyteorder("="), load=load, role=role)


def _sparse_entry(name: str, sparse: SparseRef, storages: Storages, role: Role) -> ArchiveEntry | Skipped:
    places = [_placed(part, storages) for part in sparse.parts]
    fault = next((place for place in places if isinstance(place, str)), "")
    if any(part.dtype not in ("int64", "int32") for part in sparse.parts[:-1]):
        fault = fault or "a sparse tensor whose indices are no whole numbers"

    def parts() -> list[NDArray[Any]]:
        return [
            _load(part, place, storages.order)
            for part, place in zip(sparse.parts, places, strict=True)
            if isinstance(place, Place)
        ]

    stored = sparse.parts[-1].dtype
    # The indices are looked at now, because a tensor of which some lie out of range is left out by name.
    if fault := fault or sparse_fault(sparse.layout, sparse.shape, parts()):
        return Skipped(clean_name(name), fault)

    def load() -> NDArray[Any]:
        *indices, values = parts()
        return dense_of(sparse.layout, sparse.shape, indices, widen(values, stored) if stored in WORDS else values)

    dtype = np.dtype(np.float32 if stored in WORDS else _NUMPY[stored])
    return ArchiveEntry(name=name, shape=sparse.shape, dtype=dtype, load=load, role=role)


def _placed(tensor: TensorRef, storages: Storages) -> Place | str:
    """Where a tensor's storage lies, or why its numbers are not read."""
    if tensor.dtype not in _NUMPY and tensor.dtype not in WORDS:
        return f"{tensor.dtype} values are never read"
    if 0 in tensor.shape:  # torch may leave out its storage
        return Place(path=Path(), offset=0, size=0)
    if fault := _view_fault(tensor):
        return fault
    width, unit = width_of(tensor.dtype), width_of(tensor.storage.dtype)
    if width is None or unit is None or len(tensor.strides) != len(tensor.shape):
        return "a tensor whose description is damaged"
    reach = tensor.first + _span(tensor)
    if reach * width > (tensor.storage.first + tensor.storage.count) * unit:
        return f"expected {reach} elements in its storage; it holds {tensor.storage.count * unit // width}"
    place = storages.find(tensor.storage.key)
    if isinstance(place, Place) and reach * width > place.size:
        return f"expected {reach * width} bytes in its storage; the file has {place.size}"
    return place


def _view_fault(tensor: TensorRef) -> str:
    reach = 1
    for stride, size in sorted(zip(tensor.strides, tensor.shape, strict=False)):
        if size > 1 and stride < reach:
            kind = "expanded: its elements share memory" if stride == 0 else "a view whose elements overlap"
            return f"{kind}: save tensor.clone().contiguous() instead"
        reach += (size - 1) * stride
    return ""


def _span(tensor: TensorRef) -> int:
    """Elements of the storage from the first of a tensor to its last."""
    if 0 in tensor.shape:
        return 0
    return 1 + sum((size - 1) * stride for size, stride in zip(tensor.shape, tensor.strides, strict=True))


def _load(tensor: TensorRef, place: Place, order: str) -> NDArray[Any]:
    dtype = np.dtype(WORDS.get(tensor.dtype) or _NUMPY[tensor.dtype]).newbyteorder(order)  # type: ignore[arg-type]
    span = _span(tensor)
    if not span:
        return np.zeros(tensor.shape, dtype.newbyteorder("="))
    raw = read_array(place.path, place.offset + tensor.first * dtype.itemsize, dtype, (span,))
    if place.checksum and order == "<" and raw.nbytes == place.size and zlib.crc32(raw.data) != place.checksum:
        raise FileError(f"{clean_name(place.path.name)}: expected the numbers that were saved; they are damaged")
    if tensor.strides == _plain_strides(tensor.shape):
        return raw.reshape(tensor.shape)
    strides = [stride * dtype.itemsize for stride in tensor.strides]
    return np.asarray(np.lib.stride_tricks.as_strided(raw, tensor.shape, strides), order="C")


def _plain_strides(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the strides of a tensor whose rows lie one after the other."""
    return tuple(accumulate(reversed(shape[1:]), mul, initial=1))[::-1]


def storage_width(storage: StorageRef, label: str) -> int:
    """Return the bytes of an element of a storage. Raises: FileError for a type whose width is not known."""
    width = width_of(storage.dtype)
    if width is None:
        raise FileError(f"{label}: expected storages of types that torch has; got {clean_name(storage.dtype)}")
    return width
