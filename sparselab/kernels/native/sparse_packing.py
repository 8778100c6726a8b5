"""A product with any mask as the C code reads it: bundles of rows, chunk by chunk, and the streams of their weights and columns."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from sparselab.core.layer import FloatMatrix
from sparselab.core.mask import BoolMatrix
from sparselab.kernels.base import Work
from sparselab.kernels.native.bundles import bundled
from sparselab.kernels.native.compiler import library

_Long = ctypes.c_int64
_Address = ctypes.c_void_p
MOST_PLACES = 2**16


class CPart(ctypes.Structure):
    """The `part` of sparse.c."""

    _fields_: ClassVar = [
        *[(name, _Long) for name in ("first", "rows")],
        *[(name, _Address) for name in ("bundle_starts", "rows_of", "counts", "weights", "weight_starts")],
        *[(name, _Address) for name in ("places", "place_starts", "bias")],
    ]


class CProduct(ctypes.Structure):
    """The `product` of sparse.c."""

    _fields_: ClassVar = [
        ("rows", _Long),
        ("used", _Address),
        *[(name, _Long) for name in ("columns", "chunks")],
        ("chunk_starts", _Address),
        *[(name, _Long) for name in ("bundle", "vectors", "parts")],
        ("part", _Address),
    ]


@dataclass(frozen=True)
class Form:
    """How a product is packed: registers a tile of positions takes, columns a chunk, rows a bundle (2 or 4), ranges of rows."""

    vectors: int
    chunk: int
    bundle: int
    parts: int = 1


@dataclass(frozen=True, eq=False, kw_only=True)
class PackedPart:
    """The rows from `first` on; arrays as in sparse.c, where `bias` has one number more than there are rows."""

    first: int
    rows: int
    bundle_starts: NDArray[np.int64]
    rows_of: NDArray[np.int32]
    counts: NDArray[np.uint16]
    weights: NDArray[np.float32]
    weight_starts: NDArray[np.int64]
    places: NDArray[np.uint16]
    place_starts: NDArray[np.int64]
    bias: NDArray[np.float32]

    @property
    def struct(self) -> CPart:
        arrays = {name: value.ctypes.data for name, value in vars(self).items() if isinstance(value, np.ndarray)}
        return CPart(first=self.first, rows=self.rows, **arrays)


@dataclass(frozen=True, eq=False, kw_only=True)
class PackedSparse:
    """A product packed; the arrays must live as long as the C code runs, which holds their addresses."""

    form: Form
    rows: int
    used: NDArray[np.int64]
    chunk_starts: NDArray[np.int64]
    parts: tuple[PackedPart, ...]
    _structs: list[object] = field(default_factory=list, init=False)

    @property
    def widest(self) -> int:
        """Columns of the widest chunk."""
        return int(np.diff(self.chunk_starts).max())

    @cached_property
    def struct(self) -> CProduct:
        parts = (CPart * len(self.parts))(*(part.struct for part in self.parts))
        self._structs.append(parts)
        return CProduct(
            rows=self.rows,
            used=self.used.ctypes.data,
            columns=self.used.size,
            chunks=self.chunk_starts.size - 1,
            chunk_starts=self.chunk_starts.ctypes.data,
            bundle=self.form.bundle,
            vectors=self.form.vectors,
            parts=len(self.parts),
            part=ctypes.addressof(parts),
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class Used:
    """A product without the columns that no weight uses."""

    columns: NDArray[np.int64]
    kept: BoolMatrix
    weight: FloatMatrix
    bias: NDArray[np.float32]

    @classmethod
    def of(cls, work: Work) -> Used:
        """Return what a product uses."""
        after = work.layout.after.kept
        columns = np.flatnonzero(after.any(axis=0))
        kept = after if columns.size == after.shape[1] else after[:, columns]
        weight = work.weight[:, columns].astype(np.float32, copy=False)
        bias = np.zeros(after.shape[0], np.float32) if work.bias is None else np.asarray(work.bias, np.float32)
        return cls(columns=columns.astype(np.int64), kept=kept, weight=weight, bias=bias)


def pack(used: Used, form: Form) -> PackedSparse:
    """Return a product packed in a form; a chunk has at most `form.chunk` columns, and as many as its offsets of 16 bits allow."""
    code = library()
    rows, columns = used.kept.shape
    step = form.vectors * code.sparse_lanes() // code.sparse_unit()
    width = max(1, min(form.chunk, columns, (MOST_PLACES - 1) // step))
    chunks = max(1, -(-columns // width))
    starts = np.arange(chunks + 1) * columns // chunks
    areas = np.cumsum(used.kept.sum(axis=1) + 1)
    cuts = np.searchsorted(areas, areas[-1] * np.arange(1, form.parts) / form.parts)
    ranges = np.unique(np.concatenate([[0], cuts, [rows]]))
    parts = tuple(
        _part(used, slice(first, last), starts, form.bundle, step) for first, last in pairwise(ranges.tolist())
    )
    return PackedSparse(form=form, rows=rows, used=used.columns, chunk_starts=starts, parts=parts)


def _part(used: Used, of: slice, starts: NDArray[np.int64], height: int, step: int) -> PackedPart:
    rows, (chunks, widths) = of.stop - of.start, (starts.size - 1, np.diff(starts))
    kept = np.zeros((chunks, rows + 1, int(widths.max())), bool)
    for number, (start, end) in enumerate(pairwise(starts.tolist())):
        kept[number, :rows, : end - start] = used.kept[of, start:end]
    members = bundled(kept[:, :rows], height)
    chunk = np.repeat(np.arange(chunks), members.shape[1])
    members = members.reshape(-1, height)
    shared = _shared(kept[chunk[:, None], members])
    counts = np.stack([level.sum(axis=2).max(axis=1) for level in shared], axis=1)
    order = np.lexsort([*counts.T[::-1], chunk])
    order = order[(counts[order].any(axis=1) | (chunk[order] == 0)) & (members[order] < rows).any(axis=1)]
    chunk, members, counts = chunk[order], members[order], counts[order]
    shared = [level[order] for level in shared]
    groups = np.array([level.shape[1] for level in shared])
    bundle_starts = np.searchsorted(chunk, np.arange(chunks + 1))
    weight_starts = np.concatenate([[0], np.cumsum(counts.sum(axis=1) * height)])
    place_starts = np.concatenate([[0], np.cumsum((counts * groups).sum(axis=1))])
    weights = np.zeros(weight_starts[-1], np.float32)
    places = np.repeat(widths[chunk] * step, np.diff(place_starts)).astype(np.uint16)  # the line of zeros
    weight_of = np.concatenate([used.weight[of], np.zeros((1, used.weight.shape[1]), np.float32)])
    weight_at, place_at = weight_starts[:-1].copy(), place_starts[:-1].copy()
    for level, count, number in zip(shared, counts.T, groups.tolist(), strict=True):
        for group in range(number):
            bundle, column = np.nonzero(level[:, group])
            sizes = np.bincount(bundle, minlength=order.size)
            rank = np.arange(bundle.size) - np.repeat(np.cumsum(sizes) - sizes, sizes)
            places[place_at[bundle] + rank * number + group] = column * step
            for row in range(group * height // number, (group + 1) * height // number):
                value = weight_of[members[bundle, row], starts[chunk[bundle]] + column]
                weights[weight_at[bundle] + rank * height + row] = value
        weight_at += count * height
        place_at += count * number
    return PackedPart(
        first=of.start,
        rows=rows,
        bundle_starts=bundle_starts.astype(np.int64),
        rows_of=np.concatenate([members.reshape(-1), np.zeros(height, np.int64)]).astype(np.int32),
        counts=counts.astype(np.uint16),
        weights=weights,
        weight_starts=weight_starts[bundle_starts],
        places=places,
        place_starts=place_starts[bundle_starts],
        bias=np.append(used.bias[of], np.float32(0)).astype(np.float32),
    )


def _shared(kept: NDArray[np.bool_]) -> Sequence[NDArray[np.bool_]]:
    """Return the columns that all rows of a bundle use, then of those left what halves use, ..., then each row's own.

    kept: bundles x rows of a bundle x columns. Each level is bundles x groups x columns.
    """
    number, height, width = kept.shape
    levels: list[NDArray[np.bool_]] = []
    left, size = kept, height
    while size >= 1:
        level = np.asarray(left.reshape(number, height // size, size, width).all(axis=2))
        levels.append(level)
        left = left & ~np.repeat(level, size, axis=1)
        size //= 2
    return levels
