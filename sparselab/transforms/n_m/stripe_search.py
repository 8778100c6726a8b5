"""Channel permutation for N:M by stripes: a few windows at a time dealt out anew in the best way, with escapes."""

from __future__ import annotations

import itertools
from math import comb
from typing import TYPE_CHECKING

import numpy as np

from sparselab.core.mask import IntVector
from sparselab.transforms.n_m.arrangements import arrangements, windows_at_once
from sparselab.transforms.n_m.channel_permutation import FoundPermutation, Limit, one_thread

if TYPE_CHECKING:
    import torch

Stripes = tuple[int, ...]

_AT_ONCE = 64  # windows sorted together
_MOST_STRIPES = 20_000  # combinations of windows looked at; wider layers are searched in a random sample of them


def stripe_search(
    values: torch.Tensor, n: int, m: int, *, escapes: int, rng: np.random.Generator, limit: Limit
) -> FoundPermutation:
    """Deal the channels of 3 windows (2 for m > 4) out anew in the best way, until no choice of windows gains; then escape.

    `values` is rows x channels, whole numbers in float64, nowhere negative. An escape swaps two channels of different windows
    at random and descends again; the answer is the best order seen. A last window of fewer than m channels stays as it is.

    Source: Pool & Yu, NeurIPS 2021, Sec. 4 (bounded stripe search, stripe groups of 12 columns for 2:4; 100 escapes there).
    """
    channels = values.shape[1]
    if min(windows_at_once(m), channels // m) < 2 or n == m:
        return FoundPermutation(np.arange(channels), 0, "converged")
    search = _StripeSearch(values.T.contiguous(), n, m, rng, limit)
    with one_thread():
        search.descend(range(search.windows))
        best, least, stopped = search.order.copy(), search.lost.copy(), "converged"
        for _ in range(escapes):
            if search.stopped or not least.any():
                break
            search.escape()
            stopped = "escapes"
            if search.lost.sum() < least.sum():
                best, least = search.order.copy(), search.lost.copy()
            else:
                search.order, search.lost = best.copy(), least.copy()
    return FoundPermutation(np.append(best, np.arange(best.size, channels)), search.changes, search.stopped or stopped)


class _StripeSearch:
    """The order as it stands and what each window loses, the sum of all but the n largest of each row."""

    def __init__(self, values: torch.Tensor, n: int, m: int, rng: np.random.Generator, limit: Limit) -> None:
        self.values, self.n, self.m, self.rng, self.limit = values, n, m, rng, limit
        self.windows = len(values) // m
        width = min(windows_at_once(m), self.windows)
        self.ways = arrangements(m, width, values.device)
        self.order: IntVector = np.arange(self.windows * m)
        self.lost = np.zeros(self.windows)
        self.changes = 0
        self.stopped = ""
        self._choices = _choices(self.windows, width, rng)
        for start in range(0, self.windows, _AT_ONCE):
            self._count_losses(list(range(start, min(start + _AT_ONCE, self.windows))))

    def descend(self, changed: range | list[int]) -> None:
        """Improve until no choice of windows that holds a changed one gains anything."""
        clock, looked = 1, dict.fromkeys(self._choices, 0)
        stamps = np.zeros(self.windows, dtype=np.int64)
        stamps[list(changed)] = 1
        moved = True
        while moved and not self.stopped:
            moved = False
            for index, stripes in enumerate(self._choices):
                if max(stamps[window] for window in stripes) <= looked[stripes]:
                    continue
                if stopped := self.limit.reached(index, len(self._choices)):
                    self.stopped = stopped
                    return
                clock += 1
                if self._deal(stripes):
                    moved = True
                    stamps[list(stripes)] = clock
                looked[stripes] = clock  # the best way was taken: nothing more to gain here until a window changes

    def escape(self) -> None:
        """Swap two channels of different windows at random, whatever it costs, and descend again."""
        windows = self.rng.choice(self.windows, 2, replace=False).tolist()
        places = [window * self.m + int(self.rng.integers(self.m)) for window in windows]
        self.order[places] = self.order[places[::-1]]
        self._count_losses(windows)
        self.descend(windows)

    def _deal(self, stripes: Stripes) -> bool:
        windows = list(stripes)
        if not self.lost[windows].any():
            return False
        lined_up = self.order.reshape(-1, self.m)
        channels = lined_up[windows].reshape(-1)
        totals = self.ways.totals(self.values[channels.tolist()], self.n)
        way = int(totals.argmax())
        if float(totals[way]) <= float(totals[0]):
            return False
        lined_up[windows] = channels[self.ways.ways[way]].reshape(len(windows), self.m)
        self._count_losses(windows)
        self.changes += 1
        return True

    def _count_losses(self, windows: list[int]) -> None:
        channels = self.order.reshape(-1, self.m)[windows].reshape(-1).tolist()
        ordered = self.values[channels].reshape(len(windows), self.m, -1).sort(dim=1, descending=True).values
        self.lost[windows] = ordered[:, self.n :].sum(dim=(1, 2)).cpu().numpy()


def _choices(windows: int, width: int, rng: np.random.Generator) -> list[Stripes]:
    if comb(windows, width) <= _MOST_STRIPES:
        return list(itertools.combinations(range(windows), width))
    drawn = (rng.choice(windows, width, replace=False).tolist() for _ in range(_MOST_STRIPES))
    return list(dict.fromkeys(tuple(sorted(some)) for some in drawn))
