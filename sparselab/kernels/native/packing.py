"""The panels of a layout as the C code reads them: lists, weights and their addresses."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from sparselab.core.layout import Layout
from sparselab.kernels.base import Work
from sparselab.kernels.native.compiler import library
from sparselab.kernels.support.panels import Panel, panels, share_rows

_Long = ctypes.c_int64
_Address = ctypes.c_void_p
_LISTS = ("used", "row_starts", "rows_of", "column_starts", "columns_of", "weight_starts")


class PackedProduct(ctypes.Structure):
    """The `product` of panels.h."""

    _fields_: ClassVar = [
        *[(name, _Long) for name in ("panels", "rows", "columns")],
        *[(name, _Address) for name in (*_LISTS[:-1], "weights", _LISTS[-1])],
        ("bias", _Address),
    ]


@dataclass(frozen=True, eq=False, kw_only=True)
class PanelLists:
    """Where the weights of all panels lie; the arrays must live as long as the C code runs, which holds their addresses."""

    rows: int
    areas: NDArray[np.int64]
    shared_rows: bool
    used: NDArray[np.int64]
    row_starts: NDArray[np.int64]
    rows_of: NDArray[np.int64]
    column_starts: NDArray[np.int64]
    columns_of: NDArray[np.int32]
    weight_starts: NDArray[np.int64]

    @property
    def size(self) -> int:
        """How many weights there are."""
        return int(self.weight_starts[-1])

    def struct(self, weights: int | None = None, bias: int | None = None) -> PackedProduct:
        """Return the product of weights and a bias at two addresses."""
        lists = {name: getattr(self, name).ctypes.data for name in _LISTS}
        sizes = {"panels": self.areas.size, "rows": self.rows, "columns": self.used.size}
        return PackedProduct(weights=weights, bias=bias, **sizes, **lists)


@dataclass(frozen=True, eq=False, kw_only=True)
class Packed:
    """Panels and their weights, in the order in which blocks.c reads them."""

    lists: PanelLists
    weights: NDArray[np.float32]
    bias: NDArray[np.float32] | None

    @cached_property
    def struct(self) -> PackedProduct:
        return self.lists.struct(self.weights.ctypes.data, None if self.bias is None else self.bias.ctypes.data)


def pack(work: Work) -> Packed:
    """Return the panels of `work` packed."""
    lists = panel_lists(layout := work.layout)
    none = np.zeros(0, np.float32)
    values = np.concatenate([none, *(work.weight[np.ix_(part.rows, part.cols)].ravel() for part in panels(layout))])
    values, weights = np.ascontiguousarray(values, np.float32), np.empty(lists.size, np.float32)
    library().blocks_pack_values(values.ctypes.data, weights.ctypes.data, ctypes.byref(lists.struct()), 0)
    bias = None if work.bias is None else np.ascontiguousarray(work.bias, np.float32)
    return Packed(lists=lists, weights=weights, bias=bias)


def panel_lists(layout: Layout) -> PanelLists:
    """Return the panels of a layout, columns by their index among those that are used.

    A last panel without columns holds the rows of no block, so that they too are given their bias.
    """
    parts = panels(layout)
    written = np.unique(np.concatenate([np.zeros(0, np.int64), *(part.rows for part in parts)]))
    rest = np.setdiff1d(np.arange(layout.after.rows), written)
    if rest.size:
        parts = (*parts, Panel(rest, np.zeros(0, np.int64)))
    columns = np.concatenate([part.cols for part in parts])
    used, indices = np.unique(columns, return_inverse=True)
    ahead = np.zeros(library().blocks_ahead(), np.int32)
    return PanelLists(
        rows=layout.after.rows,
        areas=np.array([part.rows.size * max(1, part.cols.size) for part in parts], np.int64),
        shared_rows=share_rows(parts),
        used=used.astype(np.int64),
        row_starts=_starts([part.rows.size for part in parts]),
        rows_of=np.concatenate([part.rows for part in parts]),
        column_starts=_starts([part.cols.size for part in parts]),
        columns_of=np.concatenate([indices.reshape(-1).astype(np.int32), ahead]),
        weight_starts=_starts([part.rows.size * part.cols.size for part in parts]),
    )


def splits(lists: PanelLists, wanted: int) -> NDArray[np.int64]:
    """Return where the panels are cut into at most `wanted` ranges of like area."""
    sums = np.cumsum(lists.areas)
    cuts = np.searchsorted(sums, sums[-1] * np.arange(1, wanted) / wanted)
    return np.unique(np.concatenate([[0], cuts, [lists.areas.size]])).astype(np.int64)


def _starts(sizes: Sequence[int]) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
