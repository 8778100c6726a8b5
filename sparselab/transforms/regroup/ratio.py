"""Column selection by width: the rule of Structure-LTH's released code, mended and as published.

Both sort a group's columns by their kept weights, falling, and widen a block from the left until it is wide enough
against what lies outside. `mended_width` does what was meant; `legacy_width` repeats the released code bug for bug,
because published "group-wise" sparsities rest on it.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

import numpy as np
from annotated_types import Interval
from typing_extensions import Doc

from sparselab.core.layer import Layer
from sparselab.core.layout import Block
from sparselab.core.mask import BoolMatrix, IntVector, Mask
from sparselab.core.settings import ShownAs
from sparselab.grouping import Groups
from sparselab.transforms.regroup.rule import Rule, Selection
from sparselab.transforms.regroup.threshold import MinRows

if TYPE_CHECKING:
    import torch

WidthOf = Callable[[BoolMatrix, IntVector, float], int | None]

Ratio = Annotated[
    float,
    Interval(ge=0.1, le=10.0),
    ShownAs("Width against what lies outside (t1)"),
    Doc("t1: a block has this many times more columns than a row keeps weights outside it"),
]
RowMultiple = Annotated[
    int,
    Interval(ge=1, le=256),
    ShownAs("Rows of the first of two blocks"),
    Doc("a group of more rows gives two blocks: the largest multiple of this many rows, and the rest"),
]


@dataclass(frozen=True)
class WidthRule(Rule):
    """Lays one block a group, over its fullest columns, as wide as `width_of` says; by default in 8 groups, as released."""

    rows_per_group: ClassVar[int | None] = None
    group_count: ClassVar[int | None] = 8

    ratio: Ratio
    min_rows: MinRows
    row_multiple: RowMultiple

    @staticmethod
    @abstractmethod
    def width_of(kept: BoolMatrix, order: IntVector, ratio: float) -> int | None:
        """Return how many columns of `order` a block of the rows `kept` takes, or None where none is found."""

    def select(self, selection: Selection, groups: Groups, device: torch.device) -> tuple[Block, ...]:
        limits = {"min_rows": self.min_rows, "row_multiple": self.row_multiple}
        return tuple(select_by_width(selection.left.mask, groups, self.width_of, ratio=self.ratio, **limits))

    def why_none(self, layer: Layer, groups: Groups) -> str:
        largest = max(np.count_nonzero(layer.mask.kept[rows].any(axis=1)) for rows in groups)
        if largest > self.min_rows:
            return f"no group has columns {self.ratio:g} times wider than what its rows leave outside"
        return f"a block needs more than {self.min_rows} rows that keep something; the largest group has {largest}"


def mended_width(kept: BoolMatrix, order: IntVector, ratio: float) -> int | None:
    """Return the narrowest width i >= 1 with i > ratio * (kept weights outside the first i columns of `order`) in *every* row.

    None when the group keeps nothing. `kept` is rows x cols, `order` its columns by falling kept weights.

    Example: >>> mended_width(np.array([[True, True, True, True, False]]), np.arange(5), 1.5)
             3
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
    mask: Mask, groups: Groups, width_of: WidthOf, *, ratio: float, min_rows: int, row_multiple: int
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


@dataclass(frozen=True)
class RatioRule(WidthRule):
    """The released code as it was meant."""

    meaning: ClassVar[str] = (
        "the released code as it was meant: the fewest columns that leave little of every row outside"
    )
    width_of = staticmethod(mended_width)


@dataclass(frozen=True)
class LegacyRule(WidthRule):
    """The released code bug for bug."""

    meaning: ClassVar[str] = "the released code with its faults: blocks come out wider; published figures rest on it"
    width_of = staticmethod(legacy_width)
