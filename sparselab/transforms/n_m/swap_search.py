"""Channel permutation for N:M by greedy swaps: the best pair of channels, until no pair helps."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from sparselab.core.errors import SettingError
from sparselab.transforms.n_m.channel_permutation import FoundPermutation, Limit, one_thread

if TYPE_CHECKING:
    import torch

_CHUNK_WORK = 2**27  # differences taken between two looks at the clock: well under a second
MOST_CHANNELS = 8192
"""The widest layer whose matrix of gains is computed: half a gigabyte of float64, and one more for the sum of both ways."""


def swap_search(values: torch.Tensor, n: int, m: int, limit: Limit) -> FoundPermutation:
    """Swap the two channels of different windows that raise the kept sum most, until none does.

    `values` is rows x channels, whole numbers in float64, nowhere negative. With T_i the n-th largest of the others in the
    window of channel i (0 if there are fewer), taking i out and putting j in changes what that window keeps by

        gain[i, j] = sum over rows of relu(x_j - T_i) - relu(x_i - T_i)

    and a swap is worth gain[i, j] + gain[j, i]. After a swap only the rows of the two windows' channels and two columns are
    computed anew. Sums of whole numbers are exact, so every device swaps the same. Ties go to the lower places.

    Raises: SettingError for more channels than the matrix of gains may have.
    Source: Pool & Yu, NeurIPS 2021, Sec. 4 (channel swaps to convergence).
    """
    import torch

    rows, channels = values.shape
    if channels > MOST_CHANNELS:
        raise SettingError(
            f"permute=swap: expected up to {MOST_CHANNELS} input channels; got {channels}: use permute=stripe"
        )
    places = torch.arange(-(-channels // m) * m, device=values.device)
    # One row a place, so that a channel is contiguous; the places after the last channel are empty and never swapped.
    here = torch.nn.functional.pad(values, (0, len(places) - channels)).T.contiguous()
    nth = _nth_of_others(here, n, m)
    gain = torch.empty((len(places), len(places)), dtype=torch.float64, device=values.device)
    for chunk in torch.split(places, max(1, _CHUNK_WORK // (rows * channels))):
        if stopped := limit.reached():
            return FoundPermutation(np.arange(channels), 0, stopped)
        gain[chunk] = _gain(here, nth, chunk, places)
    apart = (places[:, None] // m != places // m) & (places[:, None] < channels) & (places < channels)
    with one_thread():
        best = _swap_while_it_helps(here, nth, gain, apart, (n, m), limit)
    return replace(best, order=best.order[:channels])


def _swap_while_it_helps(
    here: torch.Tensor,
    nth: torch.Tensor,
    gain: torch.Tensor,
    apart: torch.Tensor,
    pattern: tuple[int, int],
    limit: Limit,
) -> FoundPermutation:
    """Swap until no swap is worth anything; `here`, `nth` and `gain` are brought up to date in place."""
    import torch

    n, m = pattern
    places = torch.arange(len(here), device=here.device)
    order, swaps = np.arange(len(here)), 0
    worth = (gain + gain.T).mul_(apart)
    while not (stopped := limit.reached(swaps)):
        i, j = divmod(int(worth.argmax()), len(places))
        if float(worth[i, j]) <= 0:
            stopped = "converged"
            break
        here[[i, j]], order[[i, j]] = here[[j, i]], order[[j, i]]
        touched = torch.cat([places[place // m * m : place // m * m + m] for place in (i, j)])
        nth[touched] = _nth_of_others(here[touched], n, m)
        gain[touched] = _gain(here, nth, touched, places)
        gain[:, [i, j]] = _gain(here, nth, places, places[[i, j]])
        worth[touched] = (gain[touched] + gain[:, touched].T).mul_(apart[touched])
        worth[:, touched] = worth[touched].T
        swaps += 1
    return FoundPermutation(order, swaps, stopped)


def _nth_of_others(here: torch.Tensor, n: int, m: int) -> torch.Tensor:
    """Return for every place (row of `here`) the n-th largest value of the other places in its window."""
    import torch

    windows = here.reshape(-1, m, here.shape[1])
    ordered = torch.sort(windows, dim=1, descending=True, stable=True)
    rank = torch.argsort(ordered.indices, dim=1)
    nth = ordered.values[:, n - 1 : n]
    following = ordered.values[:, n : n + 1] if n < m else torch.zeros_like(nth)
    return torch.where(rank < n, following, nth).reshape(here.shape)


def _gain(here: torch.Tensor, nth: torch.Tensor, out: torch.Tensor, into: torch.Tensor) -> torch.Tensor:
    """Return what the window of each place of `out` gains by taking the channel at a place of `into` in its stead.

    sum relu(x - t) = (sum |x - t| + sum (x - t)) / 2: one distance matrix instead of a cube of differences.
    """
    import torch

    least = nth[out]
    distance = torch.cdist(least, here[into], p=1.0)
    relu = distance.add_(here[into].sum(dim=1)).sub_(least.sum(dim=1, keepdim=True)).div_(2)
    return relu.sub_((here[out] - least).clamp_(min=0).sum(dim=1, keepdim=True))
