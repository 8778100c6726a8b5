"""What chance gives: of all masks with as many weights kept, each as likely, the share of units that fulfil a pattern.

    P(j of s kept) = C(s, j) C(T - s, K - j) / C(T, K)        s weights of a unit; K of the layer's T weights are kept

The mean share of units is the mean of their probabilities, whatever they have to do with each other: exact, nothing is drawn.
Everything is in logarithms, because a whole row by chance is rarer than the smallest float.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from math import inf, lgamma, log

import numpy as np
from numpy.typing import ArrayLike, NDArray


def log_choose(n: int, k: int) -> float:
    """Return log C(n, k); -inf where there is no way.

    Example: >>> round(2 ** (log_choose(4, 2) / log(2)), 9)
             6.0
    """
    if not 0 <= k <= n:
        return -inf
    return 0.0 if k in (0, n) else lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)


@lru_cache(maxsize=1024)
def log_given(size: int, most: int, total: int, total_kept: int) -> NDArray[np.float64]:
    """Return, for j = 0 to `most`, the log of the chance that of `size` given weights j given ones are kept and the others are not."""
    left, kept = total - size, total_kept - np.arange(most + 1)
    logs = np.full(most + 1, -inf)
    possible = np.flatnonzero((kept >= 0) & (kept <= left))
    if possible.size:
        first = int(possible[0])
        k = kept[possible[1:]]
        # From one j to the next: C(n, k) = C(n, k + 1) (k + 1) / (n - k).
        steps = np.log(k + 1) - np.log(left - k)
        start = log_choose(left, int(kept[first])) - log_choose(total, total_kept)
        logs[possible] = start + np.concatenate([[0.0], np.cumsum(steps)])
    return logs


def log_kept(size: int, most: int, total: int, total_kept: int) -> NDArray[np.float64]:
    """Return, for j = 0 to `most`, the log of the chance that j of `size` given weights are kept, whichever.

    Example: >>> np.exp(log_kept(4, 2, 100, 50)).round(4).tolist()
             [0.0587, 0.2499, 0.3827]
    """
    return _log_ways(size, most) + log_given(size, most, total, total_kept)


@lru_cache(maxsize=256)
def _log_ways(size: int, most: int) -> NDArray[np.float64]:
    return np.array([log_choose(size, j) for j in range(most + 1)])


def log_whole(size: int, total: int, total_kept: int) -> float:
    """Return the log of the chance that of `size` given weights all or none are kept."""
    ways = log_choose(total, total_kept)
    return log_sum([log_choose(total - size, total_kept - kept) - ways for kept in (0, size)])


def log_sum(logs: ArrayLike) -> float:
    """Return log(sum of exp) of logarithms, however small the numbers are.

    Example: >>> log_sum([-inf, -1000.0])
             -1000.0
    """
    return float(np.logaddexp.reduce(logs))


def log_mean(parts: Iterable[tuple[int, float]]) -> float:
    """Return the log of the mean over units: (how many, log of the chance of each), at most 0."""
    kinds = [(count, value) for count, value in parts if count]
    units = sum(count for count, _ in kinds)
    return min(0.0, log_sum([log(count / units) + value for count, value in kinds]))
