"""A product with any mask packed for one position at a time, sixteen rows each looking a number up in a window of X."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from sparselab.kernels.native.compiler import library
from sparselab.kernels.native.sparse_packing import Used

_Long = ctypes.c_int64
_Address = ctypes.c_void_p
_ARRAYS = ("rows_of", "starts", "windows", "places", "weights", "bias")
_LINE = 16
"""Numbers of a cache line."""
_ALIGN = 8
"""Windows begin at a multiple of so many numbers: at any column, more of them lie across cache lines; at a whole line, more steps are needed."""
_Step = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]
"""Bundles that take the step, their windows, the weights they use (by rank in the mask; -1: none) and these weights' columns."""


class CWindowProduct(ctypes.Structure):
    """The `window_product` of single.c."""

    _fields_: ClassVar = [
        ("rows", _Long),
        ("used", _Address),
        *[(name, _Long) for name in ("columns", "bundles")],
        *[(name, _Address) for name in _ARRAYS],
    ]


@dataclass(frozen=True, eq=False, kw_only=True)
class PackedWindows:
    """A product packed; the arrays must live as long as the C code runs, which holds their addresses."""

    rows: int
    used: NDArray[np.int64]
    rows_of: NDArray[np.int64]
    starts: NDArray[np.int64]
    windows: NDArray[np.int32]
    places: NDArray[np.uint8]
    weights: NDArray[np.float32]
    bias: NDArray[np.float32]

    @cached_property
    def column_size(self) -> int:
        """Numbers that C needs room for."""
        return max(self.used.size, int(library().sparse_window()))

    def reads_in_place(self, features: int) -> bool:
        """Whether an X of so many features can be read where it lies, if a position's numbers lie together."""
        return features == self.column_size == self.used.size

    @cached_property
    def struct(self) -> CWindowProduct:
        return CWindowProduct(
            rows=self.rows,
            used=self.used.ctypes.data,
            columns=self.used.size,
            bundles=self.starts.size - 1,
            **{name: getattr(self, name).ctypes.data for name in _ARRAYS},
        )


def pack_windows(used: Used) -> PackedWindows:
    """Return a product packed: rows of like counts side by side, so that few of a bundle wait for the others."""
    code, counts = library(), used.kept.sum(axis=1)
    lanes, is_used = code.sparse_single_step(), code.sparse_in_window()
    order = np.argsort(counts, kind="stable")
    columns = np.nonzero(used.kept[order])[1]
    values = used.weight[order][used.kept[order]]
    bundles = -(-order.size // lanes)
    ends = np.full(bundles * lanes, columns.size)
    ends[: order.size] = np.cumsum(counts[order])
    steps = list(_steps(columns, ends.reshape(bundles, lanes), used.columns.size, code.sparse_window()))
    none = np.zeros(0, np.int64)
    bundle, window = (np.concatenate([none, *(step[i] for step in steps)]) for i in (0, 1))
    taken, column = (np.concatenate([none.reshape(0, lanes), *(step[i] for step in steps)]) for i in (2, 3))
    by_bundle = np.argsort(bundle, kind="stable")
    window, taken, column = window[by_bundle], taken[by_bundle], column[by_bundle]
    places = np.where(taken >= 0, (column - window[:, None]) | is_used, 0)
    return PackedWindows(
        rows=order.size,
        used=used.columns,
        rows_of=order.astype(np.int64),
        starts=np.searchsorted(bundle[by_bundle], np.arange(bundles + 1)).astype(np.int64),
        windows=window.astype(np.int32),
        places=places.astype(np.uint8),
        weights=_from_a_line_on(np.where(taken >= 0, np.append(values, np.float32(0))[taken], 0)),
        bias=used.bias,
    )


def _steps(columns: NDArray[np.int64], ends: NDArray[np.int64], width: int, window: int) -> Iterator[_Step]:
    """Yield the first step of every bundle, then the second, ...: a window begins at or right before the first column that any of its
    rows still needs, and each row takes its next column if that lies within.

    columns: of all weights, row by row; ends: bundles x rows, where the weights of each row end; width: of X.
    """
    beyond = width + window
    columns = np.append(columns, beyond)
    at = np.concatenate([[0], ends.reshape(-1)[:-1]]).reshape(ends.shape)
    bundle = np.arange(ends.shape[0])
    while True:
        column = np.where(at < ends, columns[at], beyond)
        first = column.min(axis=1)
        if (is_done := first == beyond).any():
            at, ends, bundle, column, first = (part[~is_done] for part in (at, ends, bundle, column, first))
        if not bundle.size:
            return
        first = np.minimum(first // _ALIGN * _ALIGN, max(0, width - window))
        is_near = column < first[:, None] + window
        yield bundle, first, np.where(is_near, at, -1), column
        at = at + is_near


def _from_a_line_on(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a copy that begins with a cache line, so that no step's weights lie across two."""
    room = np.empty(values.size + _LINE, np.float32)
    skip = -room.ctypes.data // room.itemsize % _LINE
    copy = room[skip : skip + values.size].reshape(values.shape)
    copy[...] = values
    return copy
