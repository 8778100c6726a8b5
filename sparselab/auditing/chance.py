"""What chance gives: of all masks with as many weights kept, each as likely, the share of units that fulfil a pattern.

    P(j of s kept) = C(s, j) C(T - s, K - j) / C(T, K)        s weights of a unit; K of the layer's T weights are kept

The mean share of units is the mean of their probabilities, whatever they have to do with each other: exact, nothing is drawn.
Everything is in logarithms, because a whole row by chance is rarer than the smallest float.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from math import exp, inf, lgamma, log


def log_choose(n: int, k: int) -> float:
    """Return log C(n, k); -inf where there is no way.

    Example: >>> round(exp(log_choose(4, 2)), 9)
             6.0
    """
    if not 0 <= k <= n:
        return -inf
    return 0.0 if k in (0, n) else lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)


@lru_cache(maxsize=4096)
def log_given(size: int, kept: int, total: int, total_kept: int) -> float:
    """Return the log of the chance that of `size` given weights a given set of `kept` is kept and the others are not."""
    return log_choose(total - size, total_kept - kept) - log_choose(total, total_kept)


def log_kept(size: int, kept: int, total: int, total_kept: int) -> float:
    """Return the log of the chance that `kept` of `size` given weights are kept, whichever.

    Example: >>> round(exp(log_kept(4, 2, 100, 50)), 4)
             0.3831
    """
    return log_choose(size, kept) + log_given(size, kept, total, total_kept)


def log_whole(size: int, total: int, total_kept: int) -> float:
    """Return the log of the chance that of `size` given weights all or none are kept."""
    return log_sum(log_given(size, kept, total, total_kept) for kept in (0, size))


def log_sum(logs: Iterable[float]) -> float:
    """Return log(sum of exp) of logarithms, however small the numbers are."""
    values = list(logs)
    top = max(values, default=-inf)
    return top if top == -inf else top + log(sum(exp(value - top) for value in values))


def log_mean(parts: Iterable[tuple[int, float]]) -> float:
    """Return the log of the mean over units: (how many, log of the chance of each), at most 0."""
    kinds = [(count, value) for count, value in parts if count]
    units = sum(count for count, _ in kinds)
    return min(0.0, log_sum(log(count / units) + value for count, value in kinds))
