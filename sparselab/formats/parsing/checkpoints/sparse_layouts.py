"""torch's sparse layouts: what their indices must be, and the dense array they stand for.

COO: indices (dimensions x elements). CSR, CSC: offsets of the rows (columns), then column (row) indices. BSR, BSC: the same for
blocks of one size, the values one block each. Source: torch.sparse.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

Arrays = list[NDArray[Any]]


def sparse_fault(layout: str, shape: tuple[int, ...], parts: Arrays) -> str:
    """Return what is wrong with the indices of a sparse tensor and the shape of its values (the last part); "" when nothing is."""
    *indices, values = parts
    return _coo_fault(shape, indices[0], values) if layout == "coo" else _compressed_fault(layout, shape, *parts)


def dense_of(layout: str, shape: tuple[int, ...], indices: Arrays, values: NDArray[Any]) -> NDArray[Any]:
    """Return the dense array; values at one place add up. The parts must be such that `sparse_fault` finds nothing wrong.

    Example: >>> dense_of("coo", (2, 2), [np.array([[0, 1], [1, 0]])], np.array([3.0, 4.0])).tolist()
             [[0.0, 3.0], [4.0, 0.0]]
    """
    dense: NDArray[Any] = np.zeros(shape, values.dtype)
    if layout == "coo":
        np.add.at(dense, tuple(indices[0]), values)
        return dense
    compressed, plain = indices
    lines = np.repeat(np.arange(compressed.size - 1), np.diff(compressed))
    rows, cols = (lines, plain) if layout in ("csr", "bsr") else (plain, lines)
    if layout in ("csr", "csc"):
        dense[rows, cols] = values
        return dense
    height, width = values.shape[1:]
    blocks = dense.reshape(shape[0] // height, height, shape[1] // width, width).transpose(0, 2, 1, 3)
    blocks[rows, cols] = values
    return dense


def _coo_fault(shape: tuple[int, ...], indices: NDArray[Any], values: NDArray[Any]) -> str:
    if (
        indices.ndim != 2
        or indices.shape[0] > len(shape)
        or values.shape
        != (
            indices.shape[1],
            *shape[indices.shape[0] :],
        )
    ):
        return "a sparse tensor whose indices and values do not fit its shape"
    limits = np.array(shape[: indices.shape[0]])[:, None]
    return "" if bool(((indices >= 0) & (indices < limits)).all()) else _OUT_OF_RANGE


def _compressed_fault(
    layout: str, shape: tuple[int, ...], compressed: NDArray[Any], plain: NDArray[Any], values: NDArray[Any]
) -> str:
    if len(shape) != 2 or compressed.ndim != 1 or plain.ndim != 1:
        return "a sparse tensor of more than two dimensions"
    blocked = layout in ("bsr", "bsc")
    block = values.shape[1:] if blocked else (1, 1)
    if values.ndim != (3 if blocked else 1) or prod(block) == 0 or shape[0] % block[0] or shape[1] % block[1]:
        return "a sparse tensor whose values do not fit its shape"
    lines, width = shape[0] // block[0], shape[1] // block[1]
    if layout in ("csc", "bsc"):
        lines, width = width, lines
    if compressed.size != lines + 1 or plain.size != values.shape[0]:
        return "a sparse tensor whose indices and values do not fit its shape"
    counts = np.diff(compressed)
    if compressed[0] != 0 or compressed[-1] != plain.size or bool((counts < 0).any()):
        return "a sparse tensor whose offsets do not rise from 0 to its number of values"
    if plain.size and (plain.min() < 0 or plain.max() >= width):
        return _OUT_OF_RANGE
    # Within a line the indices rise; between lines they may fall.
    first = np.zeros(plain.size + 1, bool)
    first[compressed[:-1]] = True
    falls = np.diff(plain) <= 0
    return "" if not bool((falls & ~first[1:-1]).any()) else "a sparse tensor with an index twice, or out of order"


_OUT_OF_RANGE = "a sparse tensor with indices out of range"
