"""Groupings that look at nothing: what any real grouper must beat."""

from __future__ import annotations

import numpy as np

from sparselab.core.mask import Mask
from sparselab.grouping.base import Goal, Grouper, Groups, cut
from sparselab.runtime.progress import Monitor


class Natural(Grouper):
    """Rows as they come: the first rows are the first group."""

    title = "Natural order"
    meaning = "rows in file order; a control"
    source = "control"
    finds_planted_groups = False
    is_control = True

    def bytes_needed(self, rows: int, cols: int, kept: int) -> int:
        return 16 * rows

    def _group(self, mask: Mask, goal: Goal, rng: np.random.Generator, device: str, monitor: Monitor) -> Groups:
        return cut(np.arange(mask.rows), goal.sizes(mask.rows))


class Random(Grouper):
    """Rows shuffled: what narrow groups gain without any likeness."""

    title = "Random order"
    meaning = "rows in random order; a control: shows what groups of this height keep by chance"
    source = "control"
    finds_planted_groups = False
    is_control = True
    by_chance = True

    def bytes_needed(self, rows: int, cols: int, kept: int) -> int:
        return 16 * rows

    def _group(self, mask: Mask, goal: Goal, rng: np.random.Generator, device: str, monitor: Monitor) -> Groups:
        return cut(rng.permutation(mask.rows), goal.sizes(mask.rows))
