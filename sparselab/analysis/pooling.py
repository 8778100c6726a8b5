"""A mask made smaller without lying: every pixel is the exact density of the area it stands for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sparselab.core.mask import Mask

_BITS_SET = np.array([byte.bit_count() for byte in range(256)], dtype=np.uint8)


@dataclass(frozen=True, eq=False)
class Level:
    """Counts of kept weights per `step_rows` x `step_cols` area; areas at the lower and right edge may be smaller."""

    counts: NDArray[np.int64]
    step_rows: int
    step_cols: int
    shape: tuple[int, int]

    @property
    def density(self) -> NDArray[np.float64]:
        """Kept weights / weights of each area, edge areas by their true size."""
        heights = _extents(self.shape[0], self.step_rows)
        widths = _extents(self.shape[1], self.step_cols)
        density: NDArray[np.float64] = self.counts / np.outer(heights, widths)
        return density


def pool(mask: Mask, *, most_rows: int, most_cols: int) -> Level:
    """Return the finest level with at most `most_rows` x `most_cols` areas of equal size.

    Works on packed bits: a byte whose eight columns fall into one area is counted by a table, never unpacked.
    """
    step_rows = -(-mask.rows // most_rows)
    step_cols = -(-mask.cols // most_cols)
    if step_cols >= 8:
        # Whole bytes as columns: an area of a multiple of eight columns is a sum of table entries.
        step_cols = -(-step_cols // 8) * 8
        counts = _pool_cols(_BITS_SET[mask.packed], step_cols // 8)
    else:
        counts = _pool_cols(mask.kept.view(np.uint8), step_cols)
    starts = np.arange(0, mask.rows, step_rows)
    return Level(np.add.reduceat(counts, starts, axis=0, dtype=np.int64), step_rows, step_cols, mask.shape)


def pyramid(mask: Mask) -> tuple[Level, ...]:
    """Return levels of 8 x 8, 16 x 16, 32 x 32 ... areas, down to a single one: each four areas of the one before."""
    counts = _pool_cols(_BITS_SET[mask.packed], 1)
    step = 8
    starts = np.arange(0, mask.rows, step)
    levels = [Level(np.add.reduceat(counts, starts, axis=0, dtype=np.int64), step, step, mask.shape)]
    while levels[-1].counts.size > 1:
        step *= 2
        finer = levels[-1].counts
        rows = np.add.reduceat(finer, np.arange(0, finer.shape[0], 2), axis=0)
        coarser = np.add.reduceat(rows, np.arange(0, finer.shape[1], 2), axis=1)
        levels.append(Level(coarser, step, step, mask.shape))
    return tuple(levels)


def _pool_cols(values: NDArray[np.uint8], step: int) -> NDArray[np.int32]:
    """Sum runs of `step` columns; the last run may be shorter."""
    rows, cols = values.shape
    whole = cols // step * step
    pooled = np.zeros((rows, -(-cols // step)), dtype=np.int32)
    if whole:
        pooled[:, : whole // step] = values[:, :whole].reshape(rows, -1, step).sum(axis=2, dtype=np.int32)
    if whole < cols:
        pooled[:, -1] = values[:, whole:].sum(axis=1, dtype=np.int32)
    return pooled


def _extents(size: int, step: int) -> NDArray[np.int64]:
    return np.diff(np.append(np.arange(0, size, step), size))
