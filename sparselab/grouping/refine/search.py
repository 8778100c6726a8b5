"""The search for better groups: anneal, descend until no swap helps, heat the best again, twice as long each time."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import ArrayLike

from sparselab.core.errors import Cancelled, SparselabError
from sparselab.core.inputs.generators import Rng, as_generator
from sparselab.core.mask import IntVector
from sparselab.grouping.refine.budget import Budget
from sparselab.grouping.refine.inputs import ScoresLike, as_groups, as_scores
from sparselab.grouping.refine.swaps import Swaps
from sparselab.runtime.progress import SILENT, Monitor

if TYPE_CHECKING:
    import torch

Stopped = Literal["converged", "steps", "seconds", "cancel"]

_FIRST_CYCLE = 64
_HOT, _COOL = 0.2, 0.05  # of the spread of what rows hold: found on real and planted layers, see docs/refine.md
_HOTTER = 1.0  # more heat after every cycle in turn without a gain
_LOOK = 8  # sweeps between two looks at the exact value and the price
_SMALL = 2**23  # weights in a layer whose sweeps take a few milliseconds
_FRUITLESS = 4  # such cycles after which the search counts as converged


@dataclass(frozen=True, eq=False)
class Refined:
    """Groups of the sizes that came in, the summed score a budget keeps of them, and how the search ended.

    `trace` lists (step, kept) at the start and at every new best.
    """

    groups: tuple[IntVector, ...]
    kept: float
    started_at: float
    stopped: Stopped
    steps: int
    trace: tuple[tuple[int, float], ...]


def refine(
    scores: ScoresLike,
    groups: Sequence[ArrayLike],
    budget: Budget,
    *,
    steps: int,
    seconds: float,
    rng: Rng = None,
    monitor: Monitor = SILENT,
) -> Refined:
    """Return groups of the same sizes of which the budget keeps at least as much.

    Maximises the kept value by swaps of rows. A step is one sweep: groups meet in pairs, as in a tournament, and each pair
    may swap two rows. The search first descends until no swap helps; then it heats the best groups and cools them again,
    each cycle twice as long as the one before. The exact value is looked at every few sweeps and the best is held on to.

    The answer depends on the input, `steps` and `rng`; `seconds` and a cancel only cut it short, with the best so far.

    Args: scores: worth of every weight, rows x cols, 0 where not kept: a mask, or an array or tensor of whole numbers from 0
        to 2**30. groups: the rows of each. budget: what the selection can spend, one cost a group. rng: a generator, a seed,
        or None for the seed 0.
    Returns: "converged" when the budget buys all, no row can swap, or several cycles in turn brought nothing.
    Raises: SparselabError for scores or groups that are none, or a budget of another number of groups.
    Source: ours; heat and cooling as in Kirkpatrick, Gelatt & Vecchi, Science 220 (1983).
    """
    worth = as_scores(scores)
    groups = as_groups(groups, len(worth))
    if len(budget.costs) != len(groups):
        raise SparselabError(f"expected a budget of {len(groups)} costs, one a group; got {len(budget.costs)}")
    deadline = time.monotonic() + seconds
    filled = [index for index, rows in enumerate(groups) if rows.size]
    inner = Budget(np.asarray(budget.costs)[filled], budget.limit, budget.run)
    search = _SwapSearch(worth, tuple(groups[index] for index in filled), inner, as_generator(rng))
    search.limit(steps, deadline, monitor)
    stopped: Stopped = "converged"
    with _few_threads(worth):
        try:
            search.run()
        except _Stop as stop:
            stopped = stop.why
        search.look()
    best = iter(search.best)
    whole = tuple(next(best) if rows.size else rows for rows in groups)
    return Refined(whole, search.kept, search.trace[0][1], stopped, search.step, tuple(search.trace))


@contextmanager
def _few_threads(scores: torch.Tensor) -> Iterator[None]:
    """One thread for small layers: on a busy machine, waiting for a second costs more."""
    import torch

    before = torch.get_num_threads()
    if scores.numel() < _SMALL:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


class _Stop(Exception):
    def __init__(self, why: Stopped) -> None:
        super().__init__(why)
        self.why: Stopped = why


class _SwapSearch:
    """The state of one search: where the rows are, the best so far, and what is left to spend."""

    def __init__(
        self, scores: torch.Tensor, groups: tuple[IntVector, ...], budget: Budget, rng: np.random.Generator
    ) -> None:
        self.swaps, self.budget, self.rng = Swaps(scores, groups), budget, rng
        self.step = 0
        self.kept, price = budget.kept(self.swaps.sums)
        self.best = groups
        self.trace = [(0, self.kept)]
        self.stale = False
        self._set_price(price)
        self.meetings: list[tuple[IntVector, IntVector]] = []

    def limit(self, steps: int, deadline: float, monitor: Monitor) -> None:
        self.steps, self.deadline, self.monitor = steps, deadline, monitor

    def run(self) -> None:
        """Descend, then heat and cool in cycles. Raises: _Stop when something is spent or a cancel has come."""
        if len(self.best) < 2 or not 0 < self.price < np.inf:
            return
        self.descend()
        length, fruitless = _FIRST_CYCLE, 0
        while fruitless < _FRUITLESS and 0 < self.price < np.inf:
            before = self.kept
            self.restore()
            left = self.steps - self.step
            # The last cycle takes all that is left, but for what the descent after it needs: cut off hot it is worth nothing.
            last = left < 3 * length
            sweeps = max(left - 2 * len(self.best), left // 2) if last else length
            self.anneal(sweeps, _HOT * (1 + _HOTTER * fruitless))
            self.descend()
            length *= 2
            fruitless = 0 if self.kept > before else fruitless + 1

    def anneal(self, sweeps: int, hot: float) -> None:
        for sweep in range(sweeps):
            self.sweep(hot * (_COOL / hot) ** (sweep / max(1, sweeps - 1)))
            if sweep % _LOOK == _LOOK - 1:
                self.look()
        self.look()

    def descend(self) -> None:
        """Take the best swap of every pair until a whole tournament has none."""
        quiet = 0
        while quiet < len(self.best):
            quiet = 0 if self.sweep(0.0) else quiet + 1
            self.look()

    def sweep(self, heat: float) -> int:
        if self.step >= self.steps:
            raise _Stop("steps")
        if time.monotonic() >= self.deadline:
            raise _Stop("seconds")
        try:
            self.monitor.progress("refine", self.step, self.steps)
        except Cancelled:
            raise _Stop("cancel") from None
        if not self.meetings:
            self.meetings = tournament(len(self.best), self.rng)
        left, right = self.meetings.pop()
        swapped = self.swaps.sweep(left, right, self.prices, heat, self.rng)
        self.step += 1
        self.stale = self.stale or swapped > 0
        return swapped

    def look(self) -> None:
        """Measure the exact value, hold on to the best, and take the price of the groups as they are."""
        if not self.stale:
            return
        self.stale = False
        kept, price = self.budget.kept(self.swaps.sums)
        self._set_price(price)
        if kept > self.kept:
            self.kept, self.best = kept, self.swaps.groups()
            self.trace.append((self.step, kept))

    def restore(self) -> None:
        self.swaps.place(self.best)
        self.stale = True
        self.look()

    def _set_price(self, price: float) -> None:
        self.price = price
        self.prices = price * self.budget.costs / self.budget.run


def tournament(players: int, rng: np.random.Generator) -> list[tuple[IntVector, IntVector]]:
    """Return rounds of pairs in which everyone meets everyone once: one stays, the others walk round the table."""
    seats = players + players % 2
    table = rng.permutation(seats)
    rounds = []
    for turn in range(seats - 1):
        seated = np.concatenate([table[:1], np.roll(table[1:], turn)])
        left, right = seated[: seats // 2], seated[seats // 2 :][::-1]
        both = (left < players) & (right < players)
        rounds.append((left[both], right[both]))
    return rounds
