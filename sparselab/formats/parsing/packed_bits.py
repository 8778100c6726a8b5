"""Masks of one bit a weight, as numpy.packbits makes them, with the shape they had beside them.

`np.savez(file, X=np.packbits(kept), X_shape=kept.shape)`, along one axis or over all elements. Without a shape such bytes could be
anything, and nothing is made of them here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from math import prod
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sparselab.core.errors import FileError
from sparselab.core.ticket import Skipped
from sparselab.formats.base import ArchiveEntry, check_shape
from sparselab.formats.names import clean_name
from sparselab.formats.options import ReadLimits
from sparselab.formats.parsing.sparse_members import Joined

_SHAPE = re.compile(r"(?P<prefix>(?:.*[._/])?)shape", re.DOTALL)
_MOST_SIZES = 8


def join_packed(entries: Iterable[ArchiveEntry], limits: ReadLimits) -> Joined:
    """Return the entries with each array of bytes that its shape explains replaced by the mask, and the shape left out.

    The bytes belong to the shape `X_shape` when their name is X or begins with "X_", and as many bytes as the shape's bits
    need are there, in all or along one axis; two candidates are none.
    """
    kept, skipped, notes = {entry.name: entry for entry in entries}, [], []
    for entry in list(kept.values()):
        found = _SHAPE.fullmatch(entry.name)
        if found is None or entry.dtype.kind not in "iu" or len(entry.shape) != 1 or not 2 <= entry.size <= _MOST_SIZES:
            continue
        named = _named(kept, found["prefix"], entry)
        if not named:
            continue
        shape = tuple(int(size) for size in entry.load())
        fitting = [(packed, axis) for packed in named if (axis := packed_axis(packed.shape, shape)) != "none"]
        if len(fitting) != 1:
            continue
        (packed, axis), _ = fitting[0], kept.pop(entry.name)
        try:
            check_shape(packed.name, shape, limits)
            mask, order = _mask(packed, shape, axis)
        except FileError as error:
            del kept[packed.name]
            skipped.append(Skipped(clean_name(packed.name), f"packed bits: {error}"))
        else:
            kept[packed.name] = mask
            notes.append(f"{clean_name(packed.name)}: unpacked from bits, the {order} bit of a byte first")
    return Joined(tuple(kept.values()), tuple(skipped), tuple(notes), frozenset())


def packed_axis(packed: tuple[int, ...], shape: tuple[int, ...]) -> int | Literal["none"] | None:
    """Return the axis along which bits of `shape` make bytes of `packed`: None for all elements in one row, "none" for no way."""
    if any(size < 1 for size in shape):
        return "none"
    if packed == (-(-prod(shape) // 8),):
        return None
    # The last axis first: where several fit, the others have one element and the bytes are the same.
    for axis in reversed(range(len(shape))):
        if shape != packed == (*shape[:axis], -(-shape[axis] // 8), *shape[axis + 1 :]):
            return axis
    return "none"


def _named(kept: Mapping[str, ArchiveEntry], prefix: str, shape: ArchiveEntry) -> list[ArchiveEntry]:
    return [
        entry
        for entry in kept.values()
        if entry is not shape
        and entry.dtype == np.uint8
        and (entry.name.startswith(prefix) or entry.name == prefix.rstrip("._/"))
    ]


def _mask(packed: ArchiveEntry, shape: tuple[int, ...], axis: int | None) -> tuple[ArchiveEntry, str]:
    order = _bit_order(packed.load(), shape, axis)

    def load() -> NDArray[Any]:
        values, count = packed.load(), prod(shape) if axis is None else shape[axis]
        return np.unpackbits(values, axis=axis, count=count, bitorder=order).reshape(shape).view(bool)

    entry = replace(packed, shape=shape, dtype=np.dtype(bool), load=load, role="mask")
    return entry, "highest" if order == "big" else "lowest"


def _bit_order(values: NDArray[Any], shape: tuple[int, ...], axis: int | None) -> Literal["big", "little"]:
    """Tell by the bits that fill the last byte, which are 0; where there are none, numpy.packbits begins with the highest.

    Raises: FileError when neither order leaves them 0.
    """
    over = -(prod(shape) if axis is None else shape[axis]) % 8
    last = values[-1:] if axis is None else np.take(values, -1, axis)
    if not (last & (2**over - 1)).any():
        return "big"
    if not (last & (0xFF ^ (0xFF >> over))).any():
        return "little"
    raise FileError("expected zeros in the bits that fill the last byte; got others")
