"""How much of a layer stays from one frame of a film to the next."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def kept_stability(packed: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return, for every frame but the first, the share of the weights kept before that are kept still.

    |M(t-1) and M(t)| / |M(t-1)|, in [0, 1]; NaN where nothing was kept before. In DSB a mask is the union of its blocks, so that
    this is the share of block cells that stay as well. A mask drawn anew of density d would keep d of them.

    Args: packed: uint8, frames x rows x bytes.
    Source: ours; the masks are those of DSB (NeurIPS 2022) where `keep_masks` kept them.
    Example: >>> kept_stability(np.array([[[0b11110000]], [[0b11101000]]], dtype=np.uint8)).tolist()
             [0.75]
    """
    found = np.full(max(0, len(packed) - 1), np.nan)
    for place in range(len(found)):
        before = int(np.bitwise_count(packed[place]).sum(dtype=np.int64))
        both = int(np.bitwise_count(packed[place] & packed[place + 1]).sum(dtype=np.int64))
        if before:
            found[place] = both / before
    return found


def block_stability(groups: NDArray[np.int32]) -> NDArray[np.float64]:
    """Return, for every frame but the first, the share of pairs of rows in one group of blocks before that still are in one.

    |P(t-1) and P(t)| / |P(t-1)|, in [0, 1], with P(t) the unordered pairs of rows that share a group at t; NaN where there was no
    pair. It does not depend on how groups are numbered, nor on which columns their blocks take.

    Args: groups: int32, frames x rows; 0: in no group.
    Source: ours: Wallace's coefficient (JASA 1983) of one grouping given the one before; the grouping is DSB's (NeurIPS 2022), made
        anew at every update.
    Example: >>> block_stability(np.array([[1, 1, 1, 2], [2, 2, 1, 1]], dtype=np.int32)).tolist()
             [0.3333333333333333]
    """
    found = np.full(max(0, len(groups) - 1), np.nan)
    for place in range(len(found)):
        before, after = groups[place], groups[place + 1]
        pairs = _pairs(before[before != 0])
        grouped = (before != 0) & (after != 0)
        both = _pairs(np.stack([before[grouped], after[grouped]], axis=1))
        if pairs:
            found[place] = both / pairs
    return found


def block_chance(groups: NDArray[np.int32]) -> NDArray[np.float64]:
    """Return what `block_stability` would be, on average, if the rows of each frame but the first were put into its groups at random.

    (number of pairs at t) / (rows * (rows - 1) / 2), in [0, 1]; NaN for a single row.

    Example: >>> block_chance(np.array([[1, 1, 2, 2], [1, 1, 2, 2]], dtype=np.int32)).tolist()
             [0.3333333333333333]
    """
    rows = groups.shape[1]
    every = rows * (rows - 1) / 2
    return np.array([_pairs(frame[frame != 0]) / every if every else np.nan for frame in groups[1:]], dtype=np.float64)


def _pairs(labels: NDArray[np.int32]) -> int:
    """Return the number of unordered pairs of equal labels."""
    sizes = np.unique(labels, axis=0, return_counts=True)[1].astype(np.int64)
    return int((sizes * (sizes - 1) // 2).sum())
