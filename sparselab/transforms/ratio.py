"""Column selection by width: the rule of Structure-LTH's released code, mended and as published.

Both sort a group's columns by their kept weights, falling, and widen a block from the left until it is wide enough
against what lies outside. `mended_width` does what was meant; `legacy_width` repeats the released code bug for bug,
because published "group-wise" sparsities rest on it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sparselab.grouping import Groups
from sparselab.layout import Block
from sparselab.mask import BoolMatrix, IntVector, Mask

WidthRule = Callable[[BoolMatrix, IntVector, float], int | None]


def mended_width(kept: BoolMatrix, order: IntVector, ratio: float) -> int | None:
    """Return the narrowest width i >= 1 with i > ratio * (kept weights outside the first i columns of `order`) in *every* row.

    None when the group keeps nothing. `kept` is rows x cols, `order` its columns by falling kept weights.
    """
    if not kept.any():
        return None
    inside = np.cumsum(kept[:, order], axis=1)
    outside: IntVector = (inside[:, -1:] - inside).max(axis=0)
    widths = np.arange(1, kept.shape[1] + 1)
    return int(widths[np.argmax(widths > ratio * outside)])


def legacy_width(kept: BoolMatrix, order: IntVector, ratio: float) -> int | None:
    """Return the width that the released code finds, or None where it finds none.

    Its loop over i = 1, 2, ... subtracts column i of the *original* order (not of `order`, and never column 0) from what a
    row has outside, and stops looking at rows at the first that fails, so rows further down are not updated. A row that
    has passed passes for good: what is outside only falls while i grows. So rows pass one after another, each starting
    from the i at which the row before it passed, and that is how it is computed here.
    """
    width = 1
    for row in kept:
        columns = np.arange(width, row.size)
        outside = np.count_nonzero(row) - np.cumsum(row[width:])
        passes = columns > ratio * outside
        if not passes.any():
            return None
        width = int(columns[np.argmax(passes)])
    return width


def select_by_width(
    mask: Mask, groups: Groups, width_of: WidthRule, *, ratio: float, min_rows: int, row_multiple: int
) -> list[Block]:
    """Return the blocks of every group of *more* than `min_rows` non-empty rows: those rows x the first `width_of` columns.

    A group of more than `row_multiple` rows gives two blocks: the largest multiple of it, and the rest. Empty rows are in no
    group, as in the released code.
    """
    blocks = []
    for group in groups:
        rows = group[mask.kept[group].any(axis=1)]
        if rows.size <= min_rows:
            continue
        kept = mask.kept[rows]
        order = np.argsort(-kept.sum(axis=0), kind="stable")
        width = width_of(kept, order, ratio)
        if width is None:
            continue
        cols = order[:width]
        whole = rows.size // row_multiple * row_multiple if rows.size > row_multiple else rows.size
        blocks += [Block(part, cols) for part in (rows[:whole], rows[whole:]) if part.size]
    return blocks
