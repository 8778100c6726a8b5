"""All ways to deal channels out to a few windows, and what each way keeps."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import lru_cache, reduce
from typing import TYPE_CHECKING

import numpy as np

from sparselab.core.errors import SettingError
from sparselab.core.mask import IntVector

if TYPE_CHECKING:
    import torch

Window = tuple[int, ...]

MOST_CHANNELS = 8
"""The widest window that can be dealt out: beyond it even two windows have too many ways."""


@dataclass(frozen=True, eq=False)
class Arrangements:
    """The ways to deal m * windows channels out: `ways` (ways x channels, the first as they are).

    The windows that occur are built up channel by channel, windows of the same first channels sharing that work: `steps`
    holds, for sizes 2 .. m, which window of the size before is continued with which channel. `members` (windows x ways)
    says which of the finished windows a way consists of.
    """

    ways: IntVector
    steps: tuple[tuple[torch.Tensor, torch.Tensor], ...]
    members: torch.Tensor

    def totals(self, values: torch.Tensor, n: int) -> torch.Tensor:
        """Return what every way keeps: the n largest values of every row in each window, n < m. `values`: channels x rows.

        `largest` holds each window's n largest so far, falling; one more channel x moves down through them, and adds
        relu(x - the last of them) to their sum, which is all that the last channel needs.
        """
        import torch

        largest = [values]
        for step, (before, added) in enumerate(self.steps):
            extra = values.index_select(0, added)
            if step == len(self.steps) - 1:
                so_far = reduce(torch.add, largest).index_select(0, before)
                gained = extra if len(largest) < n else extra.sub_(largest[-1].index_select(0, before)).clamp_(min=0)
                return so_far.add_(gained).sum(dim=1)[self.members].sum(dim=0)
            longer = []
            for part in largest:
                old = part.index_select(0, before)
                longer.append(old.maximum(extra))
                extra = old.minimum(extra)
            largest = [*longer, extra] if len(largest) < n else longer
        raise AssertionError("windows have two channels or more")


def windows_at_once(m: int) -> int:
    """Return how many windows of m channels are dealt out together. Raises: SettingError for windows too wide for that."""
    if m > MOST_CHANNELS:
        raise SettingError(f"permute=stripe: expected m up to {MOST_CHANNELS}; got {m}: use permute=swap")
    return 3 if m <= 4 else 2


@lru_cache(maxsize=8)
def arrangements(m: int, windows: int, device: torch.device) -> Arrangements:
    """Return all ways to deal `windows` windows of m channels out; for two windows of m > 6 those that exchange at most
    two channels."""
    import torch

    dealt = list(_deals(tuple(range(m * windows)), m)) if m <= 6 else list(_exchanges(m))
    finished = sorted({window for way in dealt for window in way})
    steps = []
    level: list[Window] = [(channel,) for channel in range(m * windows)]
    for size in range(2, m + 1):
        place = {window: index for index, window in enumerate(level)}
        level = sorted({window[:size] for window in finished})
        before, added = [place[window[:-1]] for window in level], [window[-1] for window in level]
        steps.append((torch.tensor(before, device=device), torch.tensor(added, device=device)))
    index = {window: place for place, window in enumerate(level)}
    ways = np.array([list(itertools.chain(*way)) for way in dealt])
    members = torch.tensor([[index[window] for window in way] for way in dealt], device=device).T.contiguous()
    return Arrangements(ways, tuple(steps), members)


def _deals(left: Window, m: int) -> list[list[Window]]:
    """Every way to cut `left` into windows of m, each once: the first channel left over opens the next window."""
    if not left:
        return [[]]
    first, *others = left
    ways = []
    for some in itertools.combinations(others, m - 1):
        rest = tuple(channel for channel in others if channel not in some)
        ways += [[(first, *some), *way] for way in _deals(rest, m)]
    return ways


def _exchanges(m: int) -> list[list[Window]]:
    """The two windows as they are, and with one or two channels exchanged."""
    left, right = set(range(m)), set(range(m, 2 * m))
    ways = []
    for count in range(3):
        for out in itertools.combinations(range(m), count):
            for into in itertools.combinations(range(m, 2 * m), count):
                pair = (left - set(out)) | set(into), (right - set(into)) | set(out)
                ways.append([tuple(sorted(window)) for window in pair])
    return ways
