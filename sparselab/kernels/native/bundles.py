"""Rows that are multiplied together: by two or four, alike in how many columns they use, and sharing many of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_WINDOW = 128
"""Rows of like counts among which partners are sought: the search is quadratic in it, linear in the rows."""
_AT_ONCE = 64
"""Windows searched at a time, for the sake of memory."""
_SHARED, _UNEVEN = 5.0, 6.0
"""What a shared column saves (a load of X), and what one column more than the partner costs (a multiplication by 0)."""


def bundled(kept: NDArray[np.bool_], height: int) -> NDArray[np.int64]:
    """Return, for every chunk, its rows in bundles of `height`: chunks x bundles x height.

    kept: chunks x rows x columns of a chunk. height: a power of two; a bundle is made of two half ones, whose shared columns are
    what counts at the next step. A missing row is written as `rows`.
    """
    chunks, rows, _ = kept.shape
    found = np.broadcast_to(np.arange(rows)[None, :, None], (chunks, rows, 1))
    sizes, none = kept.sum(axis=2), rows
    while found.shape[2] < height:
        first, second = _pairs(kept, sizes)
        kept, sizes, found = _with_nothing(kept, False), _with_nothing(sizes, 0), _with_nothing(found, none)
        chunk = np.arange(chunks)[:, None]
        found = np.concatenate([found[chunk, first], found[chunk, second]], axis=2)
        kept = kept[chunk, first] & kept[chunk, second]
        sizes = np.maximum(sizes[chunk, first], sizes[chunk, second])
    return np.ascontiguousarray(found)


def _with_nothing(array: NDArray[Any], value: int | bool) -> NDArray[Any]:
    """Return an array with one row more in every chunk."""
    return np.concatenate([array, np.full((array.shape[0], 1, *array.shape[2:]), value, array.dtype)], axis=1)


def _pairs(kept: NDArray[np.bool_], sizes: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the pairs of every chunk: greedily, within windows of rows of like sizes, those with the most columns first."""
    chunks, rows, _ = kept.shape
    window = min(_WINDOW, rows + rows % 2)
    padded = -(-rows // window) * window
    order = np.full((chunks, padded), rows, np.int64)
    order[:, :rows] = np.lexsort([_first_columns(kept), -sizes], axis=1)
    windows = order.reshape(-1, window)
    chunk = np.repeat(np.arange(chunks), padded // window)[:, None]
    kept, sizes = _with_nothing(kept, False), _with_nothing(sizes, 0)
    first, second = (np.empty((windows.shape[0], window // 2), np.int64) for _ in range(2))
    for start in range(0, windows.shape[0], _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        bits = kept[chunk[part], windows[part]].astype(np.float32)
        counts = sizes[chunk[part], windows[part]].astype(np.float32)
        mine, theirs = _greedy(bits @ bits.transpose(0, 2, 1), counts)
        first[part] = np.take_along_axis(windows[part], mine, axis=1)
        second[part] = np.take_along_axis(windows[part], theirs, axis=1)
    return first.reshape(chunks, -1), second.reshape(chunks, -1)


def _first_columns(kept: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """Return what each row keeps of the first 64 columns as one number, so that equal rows come to lie in one window."""
    octets = np.packbits(kept[:, :, :64], axis=2)
    return np.pad(octets, [(0, 0), (0, 0), (0, 8 - octets.shape[2])]).view(np.uint64)[:, :, 0]


def _greedy(shared: NDArray[np.float32], counts: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return pairs within every window: each row in turn that is free takes the free one that saves most."""
    number, window, _ = shared.shape
    every = np.arange(number)
    taken = np.zeros((number, window), np.float32)  # -inf once taken: what is added to a score
    pairs = np.empty((2, number, window // 2), np.int64)
    for step in range(window // 2):
        mine = taken.argmax(axis=1)
        taken[every, mine] = -np.inf
        uneven = np.abs(counts - counts[every, mine, None])
        theirs = (_SHARED * shared[every, mine] - _UNEVEN * uneven + taken).argmax(axis=1)
        taken[every, theirs] = -np.inf
        pairs[0, :, step], pairs[1, :, step] = mine, theirs
    return pairs[0], pairs[1]
