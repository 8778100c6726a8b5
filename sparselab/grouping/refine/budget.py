"""What a selection under a budget keeps of given group sums: the exact number that refinement raises."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sparselab.core.mask import IntVector

if TYPE_CHECKING:
    import torch

Sums = NDArray[np.floating[Any]]


@dataclass(frozen=True, eq=False)
class Budget:
    """How a selection spends: cells of `run` columns of group g cost `costs[g]` each, all together at most `limit`.

    With a run of 1 a cell is one column. Otherwise a group's columns are sorted by falling sum and cut every `run`.
    Regroup: costs are the heights, the limit is weights. Shuffled blocks: every cell costs 1, the limit is blocks.
    """

    costs: IntVector
    limit: int
    run: int = 1

    def kept(self, sums: torch.Tensor) -> tuple[float, float]:
        """Return the summed score that the selection keeps, and the price: worth per cost of the last cell it buys.

        Cells are bought by worth per cost; one that no longer fits is passed over, as in the selection itself. The price
        is 0 when the limit buys every cell of worth.

        Args: sums: S[g, c], the summed score of column c over the rows of group g, whole numbers.
        Example: >>> import torch
                 >>> Budget(np.array([2, 2]), limit=4).kept(torch.tensor([[3.0, 1.0], [2.0, 0.0]]))
                 (5.0, 1.0)
        """
        worth = self._cells(sums)
        if (self.costs == self.costs[0]).all():
            return _best_of_one_cost(worth.reshape(-1), self.limit // int(self.costs[0]), int(self.costs[0]))
        return _best_of_many_costs(worth, self.costs, self.limit)

    def _cells(self, sums: torch.Tensor) -> Sums:
        if self.run == 1:
            cells: Sums = sums.cpu().numpy()
            return cells
        # NumPy sorts ten times as fast as torch on a CPU; on a GPU the transfer would cost more than the sort.
        ordered = np.sort(sums.numpy()) if sums.device.type == "cpu" else sums.sort(dim=1).values.cpu().numpy()
        starts = np.arange(0, ordered.shape[1], self.run)
        cells = np.add.reduceat(ordered[:, ::-1], starts, axis=1)
        return cells


def _best_of_one_cost(worth: Sums, count: int, cost: int) -> tuple[float, float]:
    if count <= 0:
        return 0.0, np.inf
    if count >= worth.size:
        return float(worth.sum(dtype=np.float64)), 0.0
    best = np.partition(worth, worth.size - count)[worth.size - count :]
    return float(best.sum(dtype=np.float64)), float(best[0]) / cost


def _best_of_many_costs(worth: Sums, costs: IntVector, limit: int) -> tuple[float, float]:
    group, cell = np.nonzero(worth)
    value, cost = worth[group, cell].astype(np.float64), costs[group]
    order = np.argsort(-(value / cost), kind="stable")
    value, cost = value[order], cost[order]
    spent = np.cumsum(cost)
    position = int(np.searchsorted(spent, limit, side="right"))
    if position == value.size:
        return float(value.sum()), 0.0
    if limit < cost.min():
        return 0.0, np.inf
    kept = float(value[:position].sum())
    price = float(value[max(position - 1, 0)] / cost[max(position - 1, 0)])
    left = limit - (int(spent[position - 1]) if position else 0)
    while (fits := np.flatnonzero(cost[position:] <= left)).size:
        position += int(fits[0])
        kept += float(value[position])
        left -= int(cost[position])
        position += 1
    return kept, price
