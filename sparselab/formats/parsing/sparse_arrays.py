"""What the arrays of a sparse tensor mean: where each stored value lies, and the dense tensor they make.

Places are counted in C order from 0. Every index is checked before anything is allocated for the dense tensor, so that no
index reaches out of it and no few bytes declare gigabytes. Values at one place are summed, as SciPy does; of 0 and 1
alone a mask is made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparselab.core.errors import FileError
from sparselab.core.inputs.memory import check_memory
from sparselab.formats.base import check_shape
from sparselab.formats.options import ReadLimits

Arrays = Mapping[str, NDArray[Any]]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False, kw_only=True)
class SparseArray:
    """A shape, the place of every stored value in it, and the values. `zeros_mean`: a stored zero is a pruned weight."""

    shape: tuple[int, ...]
    places: Ints
    values: NDArray[Any]
    zeros_mean: bool = True

    @property
    def is_mask(self) -> bool:
        """Whether the values say no more than which are kept."""
        return self.values.dtype.kind == "b" or bool(((self.values == 0) | (self.values == 1)).all())

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(bool) if self.is_mask else self.values.dtype

    def dense(self) -> NDArray[Any]:
        """Return all elements; booleans for a mask."""
        check_memory(prod(self.shape) * self.dtype.itemsize)
        flat = np.zeros(prod(self.shape), self.dtype)
        if self.is_mask:
            flat[self.places[self.values != 0]] = True
        else:
            np.add.at(flat, self.places, self.values)
        return flat.reshape(self.shape)

    def remarks(self) -> list[str]:
        """Say what reading assumed: values that share a place, and stored zeros."""
        said = []
        if self.zeros_mean and (zeros := int(np.count_nonzero(self.values == 0))):
            said.append(f"{zeros} stored zeros were read as pruned weights")
        check_memory(prod(self.shape))
        seen = np.zeros(prod(self.shape), bool)
        seen[self.places] = True
        if (doubled := self.places.size - int(np.count_nonzero(seen))) and not self.is_mask:
            said.append(f"{doubled} values share a place with another and were summed")
        return said


def check_density(name: str, shape: tuple[int, ...], stored_bytes: int, limits: ReadLimits) -> None:
    """Raises: FileError when a sparse tensor asks for far more elements than its bytes can speak of."""
    check_shape(name, shape, limits)
    if prod(shape) > max(limits.free_bytes, limits.max_ratio * stored_bytes):
        raise FileError(
            f"expected at most {limits.max_ratio} elements for each of its {stored_bytes} bytes; its shape has {prod(shape)}"
        )


def compressed(parts: Arrays, shape: tuple[int, ...], kind: str) -> SparseArray:
    """Return a tensor in SciPy's csr, csc or bsr. Raises: FileError when its arrays do not fit each other."""
    rows, cols = _matrix(shape)
    values, size = parts["data"], (1, 1)
    if kind == "bsr":
        size = values.shape[1:]
        if 0 in size or rows % size[0] or cols % size[1]:
            raise FileError(f"expected blocks that tile {rows}x{cols}; got blocks of {size[0]}x{size[1]}")
        rows, cols = rows // size[0], cols // size[1]
    of, at = _expand(parts, *((cols, rows) if kind == "csc" else (rows, cols)))
    if kind == "csc":
        of, at = at, of
    if kind != "bsr":
        return SparseArray(shape=shape, places=of * cols + at, values=values)
    row = of[:, None, None] * size[0] + np.arange(size[0])[:, None]
    col = at[:, None, None] * size[1] + np.arange(size[1])
    return SparseArray(shape=shape, places=(row * shape[1] + col).ravel(), values=values.ravel(), zeros_mean=False)


def coordinates(parts: Arrays, shape: tuple[int, ...]) -> SparseArray:
    """Return a tensor whose values come with one index per dimension. Raises: FileError for an index out of range."""
    rows = parts["coords"] if "coords" in parts else (parts["row"], parts["col"])
    if len(rows) != len(shape):
        raise FileError(f"expected an index for each of {len(shape)} dimensions; got {len(rows)}")
    places = np.zeros(parts["data"].shape[0], np.int64)
    for size, index in zip(shape, rows, strict=True):
        places = places * size + _indices(index, size, places.size)
    return SparseArray(shape=shape, places=places, values=parts["data"])


def diagonals(parts: Arrays, shape: tuple[int, ...]) -> SparseArray:
    """Return a matrix in SciPy's dia: data[k, j] lies at row j - offsets[k], column j, where that is inside."""
    rows, cols = _matrix(shape)
    data, offsets = parts["data"], parts["offsets"]
    if len(data) != offsets.size or np.unique(offsets).size != offsets.size:
        raise FileError(f"expected {len(data)} different offsets, one for each diagonal; got {offsets.size}")
    if offsets.size and not -rows < int(offsets.min()) <= int(offsets.max()) < cols:
        raise FileError(f"expected diagonals that cross {rows}x{cols}; got one outside")
    col = np.arange(min(data.shape[1], cols))
    row = col - offsets.astype(np.int64)[:, None]
    inside = (row >= 0) & (row < rows)
    return SparseArray(
        shape=shape, places=(row * cols + col)[inside], values=data[:, : col.size][inside], zeros_mean=False
    )


def gcxs(parts: Arrays, shape: tuple[int, ...]) -> SparseArray:
    """Return a tensor in pydata/sparse's GCXS: the compressed axes, in order, make the rows of a CSR matrix, the others its columns.

    Raises: FileError for axes that are none of its own.
    """
    rank, first = len(shape), [int(axis) for axis in parts["compressed_axes"]]
    if not 0 < len(set(first)) == len(first) < rank or not all(0 <= axis < rank for axis in first):
        raise FileError(f"expected some of {rank} axes to be compressed; got {first[:8]}")
    order = [*first, *(axis for axis in range(rank) if axis not in first)]
    rows = prod(shape[axis] for axis in first)
    matrix = compressed(parts, (rows, prod(shape) // max(rows, 1)), "csr")
    turned = np.unravel_index(matrix.places, [shape[axis] for axis in order])
    back = tuple(turned[order.index(axis)] for axis in range(rank))
    return SparseArray(shape=shape, places=np.ravel_multi_index(back, shape).astype(np.int64), values=parts["data"])


def _expand(parts: Arrays, majors: int, minors: int) -> tuple[Ints, Ints]:
    starts, count = parts["indptr"], len(parts["data"])
    if starts.size != majors + 1:
        raise FileError(f"expected {majors + 1} row offsets for its shape; got {starts.size}")
    if int(starts[0]) != 0 or int(starts[-1]) != count or (starts[1:] < starts[:-1]).any():
        raise FileError(
            f"expected row offsets that never fall, from 0 to {count}; they start with {int(starts[0])} and end with {int(starts[-1])}"
        )
    at = _indices(parts["indices"], minors, count)
    lengths: Ints = np.diff(starts.astype(np.int64)).astype(np.int64)
    return np.repeat(np.arange(majors), lengths), at


def _indices(index: NDArray[Any], size: int, count: int) -> Ints:
    if index.size != count:
        raise FileError(f"expected {count} indices, one for each value; got {index.size}")
    if count and not 0 <= int(index.min()) <= int(index.max()) < size:
        wrong = int(index.min()) if int(index.min()) < 0 else int(index.max())
        raise FileError(f"expected indices from 0 to below {size}; got {wrong}")
    return index.astype(np.int64)


def _matrix(shape: tuple[int, ...]) -> tuple[int, int]:
    if len(shape) != 2:
        raise FileError(f"expected a matrix; its shape has {len(shape)} dimensions")
    return shape[0], shape[1]
