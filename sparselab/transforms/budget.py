"""Column selection under a budget: the cells of most kept weights per weight spent, over all groups at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sparselab.mask import BoolMatrix, IntVector

if TYPE_CHECKING:
    import torch


def select_budget(sums: torch.Tensor, heights: IntVector, budget: int) -> BoolMatrix:
    """Choose (group, column) cells worth the most within `budget` weights: bool groups x cols.

    A cell of group g costs heights[g] weights and is worth sums[g, c]. Cells are taken by worth per weight, ties by group
    and then column; one that no longer fits is passed over. Optimal for groups of equal height, otherwise within one cell
    of the best (the greedy bound of the knapsack problem). A cell worth nothing is never taken.
    """
    import torch

    groups, cols = sums.shape
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
    place = prefix
    while place < len(order):  # at most a few rounds: what is left is less than one cell and shrinks every time
        fits = torch.nonzero(costs[place:] <= left)
        if not len(fits):
            break
        place += int(fits[0])
        chosen[order[place]] = True
        left -= int(costs[place])
        place += 1
    kept: BoolMatrix = chosen.reshape(groups, cols).cpu().numpy()
    return kept
