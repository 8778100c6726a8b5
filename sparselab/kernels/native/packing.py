"""A product's panels as the C code reads them: weights, lists and their addresses."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from sparselab.core.layer import FloatMatrix
from sparselab.kernels.base import Work
from sparselab.kernels.native.compiler import library
from sparselab.kernels.support.panels import Panel, panels, share_rows

_Long = ctypes.c_int64
_Address = ctypes.c_void_p
_ARRAYS = ("used", "row_starts", "rows_of", "column_starts", "columns_of", "weights", "weight_starts")


class PackedProduct(ctypes.Structure):
    """The `product` of blocks.c."""

    _fields_: ClassVar = [
        *[(name, _Long) for name in ("panels", "rows", "columns")],
        *[(name, _Address) for name in _ARRAYS],
        ("bias", _Address),
    ]


@dataclass(frozen=True, eq=False, kw_only=True)
class Packed:
    """Panels packed; the arrays must live as long as the C code runs, which holds their addresses."""

    rows: int
    areas: NDArray[np.int64]
    shared_rows: bool
    used: NDArray[np.int64]
    row_starts: NDArray[np.int64]
    rows_of: NDArray[np.int64]
    column_starts: NDArray[np.int64]
    columns_of: NDArray[np.int32]
    weights: NDArray[np.float32]
    weight_starts: NDArray[np.int64]
    bias: NDArray[np.float32] | None

    @cached_property
    def struct(self) -> PackedProduct:
        bias = None if self.bias is None else self.bias.ctypes.data
        addresses = {name: getattr(self, name).ctypes.data for name in _ARRAYS}
        return PackedProduct(panels=self.areas.size, rows=self.rows, columns=self.used.size, bias=bias, **addresses)


def pack(work: Work) -> Packed:
    """Return the panels of `work` packed: weights a few rows at a time, columns by their index among those that are used.

    A last panel without columns holds the rows of no block, so that they too are given their bias.
    """
    code = library()
    parts = panels(work.layout)
    written = np.unique(np.concatenate([np.zeros(0, np.int64), *(part.rows for part in parts)]))
    rest = np.setdiff1d(np.arange(work.layout.after.rows), written)
    if rest.size:
        parts = (*parts, Panel(rest, np.zeros(0, np.int64)))
    columns = np.concatenate([part.cols for part in parts])
    used, indices = np.unique(columns, return_inverse=True)
    ahead = np.zeros(code.blocks_ahead(), np.int32)
    weights = [_pack_rows(work.weight[np.ix_(part.rows, part.cols)], code.blocks_row_step) for part in parts]
    return Packed(
        rows=work.layout.after.rows,
        areas=np.array([part.rows.size * max(1, part.cols.size) for part in parts], np.int64),
        shared_rows=share_rows(parts),
        used=used.astype(np.int64),
        row_starts=_starts([part.rows.size for part in parts]),
        rows_of=np.concatenate([part.rows for part in parts]),
        column_starts=_starts([part.cols.size for part in parts]),
        columns_of=np.concatenate([indices.reshape(-1).astype(np.int32), ahead]),
        weights=np.concatenate([np.zeros(0, np.float32), *weights]),
        weight_starts=_starts([part.rows.size * part.cols.size for part in parts]),
        bias=None if work.bias is None else np.ascontiguousarray(work.bias, np.float32),
    )


def _pack_rows(weight: FloatMatrix, row_step: Callable[[int], int]) -> NDArray[np.float32]:
    height = weight.shape[0]
    step = row_step(height)
    values = weight.astype(np.float32)
    return np.concatenate([values[row : row + step].T.reshape(-1) for row in range(0, height, step)])


def _starts(sizes: Sequence[int]) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
