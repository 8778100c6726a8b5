"""Block selection of DSB: in every group the columns sorted and cut into runs, the layer's best runs kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from sparselab.core.layer import Layer
from sparselab.core.layout import Block
from sparselab.core.mask import IntVector
from sparselab.grouping import Groups
from sparselab.transforms.cells import Cells, group_sums, scores, weigh_of

if TYPE_CHECKING:
    import torch

_ROOT_SCALE = 2.0**20


def column_scores(layer: Layer, groups: Groups, weigh: str | None, device: torch.device) -> torch.Tensor:
    """Return what column c is worth to group g, as whole numbers in float64 (groups x cols).

        count       sqrt(sum of m)           l2 norm of the mask
        magnitude   sqrt(sum of m * w^2)     l2 norm of the kept weights: the released code's score
        energy      sum of m * w^2           its square, so that a block is worth the energy it keeps

    over the rows of g; None stands for what `cells.weigh_of` says. Squares are whole numbers up to 2**30 (see `cells.scores`), and roots are rounded to multiples of
    2**-20: their sums are exact, so one thread, two threads and a GPU choose the same blocks.

    Raises: SettingError when weights are asked for and the layer has none.
    Source: DSB, released code (which has weights always, and no other score).
    """
    return scores_of_columns(layer, weigh, device)(groups)


def scores_of_columns(layer: Layer, weigh: str | None, device: torch.device) -> Callable[[Groups], torch.Tensor]:
    """Return `column_scores` as a function of the groups, which computes all else once."""
    weigh = weigh_of(layer, weigh)
    worth = scores(layer, "count" if weigh == "count" else "energy", device)

    def of_groups(groups: Groups) -> torch.Tensor:
        sums = group_sums(worth, groups)
        return sums if weigh == "energy" else (sums.sqrt() * _ROOT_SCALE).round()

    return of_groups


def select_runs(worth: torch.Tensor, block_size: int, blocks: int) -> list[tuple[int, IntVector]]:
    """Return the best `blocks` runs of columns over all groups, as (group, columns), by group and then by falling worth.

    In each group the columns are sorted by `worth` (groups x cols), falling, ties by index, and cut every `block_size`; the
    last run takes what remains. A run is worth the sum over its columns; ties go to the lower group, then to the earlier
    run. A run worth nothing is never taken. Exact, hence the same on every device, as long as `worth` holds whole numbers
    whose sums stay below 2**53.

    Source: DSB, released code.
    """
    import torch

    groups, cols = worth.shape
    runs = -(-cols // block_size)
    ordered = torch.sort(worth, dim=1, descending=True, stable=True)
    padded = torch.nn.functional.pad(ordered.values, (0, runs * block_size - cols))
    sums = padded.reshape(groups * runs, block_size).sum(dim=1)
    best = torch.sort(sums, descending=True, stable=True)
    taken = best.indices[:blocks][best.values[:blocks] > 0]
    order = ordered.indices.cpu().numpy()
    places = (divmod(place, runs) for place in torch.sort(taken).values.tolist())
    return [(group, order[group, run * block_size : (run + 1) * block_size]) for group, run in places]


def cells_of_runs(runs: list[tuple[int, IntVector]], groups: Groups, cols: int) -> Cells:
    """Return the cells of all runs."""
    chosen = np.zeros((len(groups), cols), dtype=bool)
    if runs:
        taken = np.concatenate([run for _, run in runs])
        chosen[np.repeat([group for group, _ in runs], [run.size for _, run in runs]), taken] = True
    return Cells(groups, chosen)


def blocks_of_runs(runs: list[tuple[int, IntVector]], groups: Groups) -> list[Block]:
    """Return the block of every run: the rows of its group x its columns, ascending."""
    return [Block(groups[group], np.sort(cols)) for group, cols in runs]
