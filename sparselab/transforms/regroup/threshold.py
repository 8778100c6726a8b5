"""Column selection by thresholds, as Structure-LTH prints it: pass after pass over what is left."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

import numpy as np
from annotated_types import Interval
from typing_extensions import Doc

from sparselab.core.layer import Layer
from sparselab.core.layout import Block
from sparselab.core.mask import BoolMatrix
from sparselab.core.settings import ShownAs
from sparselab.grouping import Groups
from sparselab.transforms.regroup.rule import Rule, Selection

if TYPE_CHECKING:
    import torch

MinRows = Annotated[
    int,
    Interval(ge=1, le=256),
    ShownAs("Fewest rows of a block (b1)"),
    Doc("b1: fewest rows of a group that may form a block (rules ratio and legacy: it needs more rows than this)"),
]
MinKept = Annotated[
    int,
    Interval(ge=1, le=256),
    ShownAs("Fewest rows that keep a column (t2)"),
    Doc("t2: fewest rows of a group that must keep a column of its block"),
]
MinCols = Annotated[
    int, Interval(ge=1, le=4096), ShownAs("Fewest columns of a block (b2)"), Doc("b2: fewest columns of a block")
]


@dataclass(frozen=True)
class ThresholdRule(Rule):
    """Takes the columns that several rows of a group keep, and groups anew what is left until nothing is found."""

    meaning: ClassVar[str] = (
        "the rule of the paper: takes columns that several rows of a group keep, then groups the remaining weights again"
    )
    orders_by_group: ClassVar[bool] = False

    min_rows: MinRows
    min_kept: MinKept
    min_cols: MinCols

    def goes_on(self, selection: Selection) -> bool:
        found_nothing = bool(selection.rounds) and not selection.rounds[-1]
        return not found_nothing and selection.left.mask.count > 0

    def select(self, selection: Selection, groups: Groups, device: torch.device) -> tuple[Block, ...]:
        left, taken = selection.left.mask.kept, selection.covered.kept
        limits = {"min_rows": self.min_rows, "min_kept": self.min_kept, "min_cols": self.min_cols}
        return tuple(threshold_pass(left, taken, groups, **limits))

    def why_none(self, layer: Layer, groups: Groups) -> str:
        return (
            f"no group of at least {self.min_rows} rows has {self.min_cols} columns that {self.min_kept} of its rows "
            "keep: lower one of these, or make the groups larger"
        )

    def notes(self, selection: Selection) -> Mapping[str, str]:
        return {"passes": str(sum(bool(blocks) for blocks in selection.rounds))}


def threshold_pass(
    left: BoolMatrix, taken: BoolMatrix, groups: Groups, *, min_rows: int, min_kept: int, min_cols: int
) -> list[Block]:
    """Return the blocks of one pass: in each group of at least `min_rows` rows the columns that at least `min_kept` of them
    keep, if there are at least `min_cols`.

    `left` are kept weights not yet in a block, `taken` the weights that blocks of earlier passes cover. A column that an
    earlier block covers in some row of the group is left out, so that no weight ever lies in two blocks; the paper does not
    say what it does there.

    Source: Structure-LTH, Alg. 3 (b1 = min_rows, t2 = min_kept, b2 = min_cols).
    Example: >>> kept = np.array([[1, 1, 0], [1, 1, 1]], dtype=bool)
             >>> limits = {"min_rows": 2, "min_kept": 2, "min_cols": 1}
             >>> threshold_pass(kept, np.zeros_like(kept), (np.arange(2),), **limits)[0].cols.tolist()
             [0, 1]
    """
    blocks = []
    for rows in groups:
        if rows.size < min_rows:
            continue
        cols = np.flatnonzero((left[rows].sum(axis=0) >= min_kept) & ~taken[rows].any(axis=0))
        if cols.size >= max(min_cols, 1):
            blocks.append(Block(rows, cols))
    return blocks
