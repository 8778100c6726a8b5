"""A product with any mask packed for one position at a time: row after row, with offsets of 16 bits."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from sparselab.kernels.native.compiler import library
from sparselab.kernels.native.sparse_packing import MOST_PLACES, Used

_Long = ctypes.c_int64
_Address = ctypes.c_void_p
_ARRAYS = ("chunk_starts", "starts", "weights", "places", "bias")


class CSingleProduct(ctypes.Structure):
    """The `single_product` of single.c."""

    _fields_: ClassVar = [
        ("rows", _Long),
        ("used", _Address),
        *[(name, _Long) for name in ("columns", "chunks")],
        *[(name, _Address) for name in _ARRAYS],
    ]


@dataclass(frozen=True, eq=False, kw_only=True)
class PackedSingle:
    """A product packed; the arrays must live as long as the C code runs, which holds their addresses."""

    rows: int
    used: NDArray[np.int64]
    chunk_starts: NDArray[np.int64]
    starts: NDArray[np.int64]
    weights: NDArray[np.float32]
    places: NDArray[np.uint16]
    bias: NDArray[np.float32]

    @cached_property
    def struct(self) -> CSingleProduct:
        return CSingleProduct(
            rows=self.rows,
            used=self.used.ctypes.data,
            columns=self.used.size,
            chunks=self.chunk_starts.size - 1,
            **{name: getattr(self, name).ctypes.data for name in _ARRAYS},
        )


def pack_single(used: Used) -> PackedSingle:
    """Return a product packed; every row of a chunk is filled up with zeros times the number 0 behind the chunk's columns."""
    rows, columns = used.kept.shape
    step = library().sparse_single_step()
    chunks = max(1, -(-columns // (MOST_PLACES - 1)))
    bounds = np.arange(chunks + 1) * columns // chunks
    parts = [used.kept[:, start:end] for start, end in pairwise(bounds.tolist())]
    counts = np.concatenate([part.sum(axis=1) for part in parts])
    starts = np.concatenate([[0], np.cumsum(-(-counts // step) * step)]).astype(np.int64)
    weights = np.zeros(starts[-1], np.float32)
    places = np.repeat(np.repeat(np.diff(bounds), rows), np.diff(starts)).astype(np.uint16)
    for chunk, (first, part) in enumerate(zip(bounds, parts, strict=False)):
        row, column = np.nonzero(part)
        count = counts[chunk * rows : (chunk + 1) * rows]
        at = starts[chunk * rows + row] + np.arange(row.size) - np.repeat(np.cumsum(count) - count, count)
        weights[at], places[at] = used.weight[row, first + column], column
    return PackedSingle(
        rows=rows,
        used=used.columns,
        chunk_starts=bounds.astype(np.int64),
        starts=starts,
        weights=weights,
        places=places,
        bias=used.bias,
    )
