"""Column selection under a budget: the cells of most kept weights per weight spent, over all groups at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated, ClassVar

import numpy as np
from annotated_types import Interval
from typing_extensions import Doc

from sparselab.core.device import as_tensor
from sparselab.core.layer import Layer
from sparselab.core.layout import Block
from sparselab.core.mask import BoolMatrix, IntVector, Mask
from sparselab.core.settings import OneOf, ShownAs, Unset
from sparselab.grouping import Groups
from sparselab.grouping.refine import Budget
from sparselab.transforms.cells import AUTOMATIC, WEIGHS, group_sums, scores
from sparselab.transforms.regroup.rule import Rule, Selection

if TYPE_CHECKING:
    import torch

Density = Annotated[
    float | None,
    Interval(ge=0.0, le=1.0),
    ShownAs("Budget, share of all weights"),
    Unset("as many as before"),
    Doc("weights that blocks may hold / all weights of the layer"),
]
Weigh = Annotated[
    str | None,
    OneOf(WEIGHS),
    ShownAs("What a kept weight counts"),
    Unset(AUTOMATIC),
    Doc("what a kept weight counts when blocks compete for the budget"),
]
SecondShare = Annotated[
    float,
    Interval(ge=0.0, le=0.5),
    ShownAs("Share for a second grouping"),
    Doc(
        "share of the budget for grouping the rows a second time, by what the first blocks leave; a row then lies in blocks "
        "of two groups, and a kernel adds up two products"
    ),
]


@dataclass(frozen=True)
class BudgetRule(Rule):
    """Spends a number of weights where groups keep most of them; with a second share, in two rounds."""

    meaning: ClassVar[str] = (
        "spends a given number of weights on the columns of which groups keep most, over all groups at once"
    )
    spends_density: ClassVar[bool] = True

    density: Density
    weigh: Weigh
    second_share: SecondShare

    def whole(self, mask: Mask) -> int:
        """Return the weights that all rounds together may spend."""
        return mask.count if self.density is None else round(self.density * mask.kept.size)

    def budget(self, selection: Selection) -> int:
        """Return the weights that the next round may spend."""
        whole = self.whole(selection.layer.mask)
        return whole - (selection.covered.count if selection.rounds else int(self.second_share * whole))

    def goes_on(self, selection: Selection) -> bool:
        return len(selection.rounds) < (2 if self.second_share > 0 else 1)

    def select(self, selection: Selection, groups: Groups, device: torch.device) -> tuple[Block, ...]:
        chosen = self._columns(selection, scores(selection.left, self.weigh, device), groups)
        return tuple(Block(rows, np.flatnonzero(cols)) for rows, cols in zip(groups, chosen, strict=True) if cols.any())

    def for_any_groups(self, layer: Layer, device: torch.device) -> Callable[[Groups], BoolMatrix] | None:
        if self.second_share > 0:
            return None
        return partial(self._columns, Selection(layer), scores(layer, self.weigh, device))

    def _columns(self, selection: Selection, worth: torch.Tensor, groups: Groups) -> BoolMatrix:
        sums = group_sums(worth, groups)
        if selection.blocks:  # a column that lies in a block of some row of the group is not offered
            taken = selection.covered.kept
            sums *= as_tensor(np.stack([~taken[rows].any(axis=0) for rows in groups]), sums.device)
        return select_budget(sums, _heights(groups), self.budget(selection))

    def why_none(self, layer: Layer, groups: Groups) -> str:
        if not layer.mask.count:
            return "the mask keeps no weight"
        budget, smallest = self.budget(Selection(layer)), _heights(groups).min()
        return f"a budget of {budget} weights is less than one column of the smallest group, {smallest} rows high"

    def objective(self, selection: Selection, groups: Groups, device: torch.device) -> tuple[torch.Tensor, Budget]:
        return scores(selection.left, self.weigh, device), Budget(_heights(groups), self.budget(selection))

    def notes(self, selection: Selection) -> Mapping[str, str]:
        if len(selection.rounds) < 2:
            return {}
        spent = sum(block.area for block in selection.rounds[1])
        return {"second grouping": f"{spent} of {self.whole(selection.layer.mask)} weights"}


def _heights(groups: Groups) -> IntVector:
    return np.array([rows.size for rows in groups])


def select_budget(sums: torch.Tensor, heights: IntVector, budget: int) -> BoolMatrix:
    """Choose (group, column) cells worth the most within `budget` weights: bool groups x cols.

    A cell of group g costs heights[g] weights and is worth sums[g, c]. Cells are taken by worth per weight, ties by group
    and then column; one that no longer fits is passed over. Optimal for groups of equal height, otherwise within one cell
    of the best (the greedy bound of the knapsack problem). A cell worth nothing is never taken.

    Example: >>> import torch
             >>> sums = torch.tensor([[3.0, 0.0, 1.0], [2.0, 2.0, 0.0]], dtype=torch.float64)
             >>> select_budget(sums, np.array([2, 2]), budget=6).astype(int).tolist()
             [[1, 0, 0], [1, 1, 0]]
    """
    import torch

    groups, cols = sums.shape
    if len(set(heights.tolist())) == 1:  # nothing is passed over: no order needs to be found
        return _most(sums, budget // max(int(heights[0]), 1))
    cost = torch.as_tensor(np.repeat(heights, cols), device=sums.device)
    worth = (sums / torch.as_tensor(np.maximum(heights, 1), device=sums.device, dtype=torch.float64)[:, None]).reshape(
        -1
    )
    candidates = torch.nonzero(worth > 0).squeeze(1)
    order = candidates[torch.sort(worth[candidates], descending=True, stable=True).indices]
    costs = cost[order]
    spent = torch.cumsum(costs, 0)
    prefix = int((spent <= budget).sum())
    chosen = torch.zeros(groups * cols, dtype=torch.bool, device=sums.device)
    chosen[order[:prefix]] = True
    left = budget - (int(spent[prefix - 1]) if prefix else 0)
    position = prefix
    while position < len(order):  # at most a few rounds: what is left is less than one cell and shrinks every time
        fits = torch.nonzero(costs[position:] <= left)
        if not len(fits):
            break
        position += int(fits[0])
        chosen[order[position]] = True
        left -= int(costs[position])
        position += 1
    kept: BoolMatrix = chosen.reshape(groups, cols).cpu().numpy()
    return kept


def _most(sums: torch.Tensor, count: int) -> BoolMatrix:
    """Choose the `count` cells of the largest sums above 0, ties by group and then column."""
    import torch

    worth = sums.reshape(-1)
    count = min(count, int((worth > 0).sum()))
    chosen = torch.zeros(worth.shape, dtype=torch.bool, device=sums.device)
    if count:
        least = torch.kthvalue(worth, len(worth) - count + 1).values
        chosen = worth > least
        chosen[torch.nonzero(worth == least).squeeze(1)[: count - int(chosen.sum())]] = True
    kept: BoolMatrix = chosen.reshape(sums.shape).cpu().numpy()
    return kept
