"""Column selection by thresholds, as Structure-LTH prints it: pass after pass over what is left."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from sparselab.grouping import Groups
from sparselab.layout import Block
from sparselab.mask import BoolMatrix, Mask
from sparselab.monitor import SILENT, Monitor


def threshold_pass(
    left: BoolMatrix, taken: BoolMatrix, groups: Groups, *, min_rows: int, min_kept: int, min_cols: int
) -> list[Block]:
    """Return the blocks of one pass: in each group of at least `min_rows` rows the columns that at least `min_kept` of them
    keep, if there are at least `min_cols`.

    `left` are kept weights not yet in a block, `taken` the weights that blocks of earlier passes cover. A column that an
    earlier block covers in some row of the group is left out, so that no weight ever lies in two blocks; the paper does not
    say what it does there.

    Source: Structure-LTH, Alg. 3 (b1 = min_rows, t2 = min_kept, b2 = min_cols).
    """
    blocks = []
    for rows in groups:
        if rows.size < min_rows:
            continue
        cols = np.flatnonzero((left[rows].sum(axis=0) >= min_kept) & ~taken[rows].any(axis=0))
        if cols.size >= max(min_cols, 1):
            blocks.append(Block(rows, cols))
    return blocks


def select_threshold(
    mask: Mask,
    group: Callable[[Mask], Groups],
    *,
    min_rows: int,
    min_kept: int,
    min_cols: int,
    monitor: Monitor = SILENT,
) -> tuple[list[Block], int]:
    """Repeat grouping and `threshold_pass` on what is left until a pass finds nothing; return all blocks and the passes."""
    left = mask.kept.copy()
    taken = np.zeros_like(left)
    blocks: list[Block] = []
    passes = 0
    while left.any():
        monitor.progress(f"pass {passes + 1}")
        found = threshold_pass(left, taken, group(Mask(left)), min_rows=min_rows, min_kept=min_kept, min_cols=min_cols)
        if not found:
            break
        passes += 1
        blocks.extend(found)
        _cover(taken, left, found)
    return blocks, passes


def _cover(taken: BoolMatrix, left: BoolMatrix, blocks: Sequence[Block]) -> None:
    for block in blocks:
        where = np.ix_(block.rows, block.cols)
        taken[where] = True
        left[where] = False
