"""How far an accuracy can be told from another on so many examples, at the confidence of the times, 99 %; and from knowing nothing."""

from __future__ import annotations

from math import hypot

import torch
from scipy.stats import binomtest

from sparselab.benchmarking.statistics import CONFIDENCE
from sparselab.training.tasks.base import Split, in_order

_READ_AT_ONCE = 500

Interval = tuple[float, float]


def accuracy_interval(value: float, examples: int) -> Interval:
    """Return the score interval of an accuracy that was found on so many examples.

    Source: Wilson, JASA 1927.
    Example: >>> low, high = accuracy_interval(0.9, 600)
             >>> round(low, 3), round(high, 3)
             (0.864, 0.927)
    """
    found = binomtest(round(value * examples), examples).proportion_ci(CONFIDENCE, "wilson")
    return float(found.low), float(found.high)


def difference_interval(one: float, other: float, examples: int) -> Interval:
    """Return the interval of `one` - `other`, of accuracies as if on different examples: on the same ones it is wider than need be.

    Source: Newcombe, Statistics in Medicine 1998, method 10.
    Example: >>> low, high = difference_interval(0.90, 0.89, 600)
             >>> low < 0 < high
             True
    """
    (low, high), (other_low, other_high) = accuracy_interval(one, examples), accuracy_interval(other, examples)
    gap = one - other
    return gap - hypot(one - low, other_high - other), gap + hypot(high - one, other - other_low)


def constant_accuracy(split: Split) -> float:
    """Return the accuracy of who answers every example of a split with their most frequent class: what a network has to exceed."""
    targets = torch.cat([targets.flatten() for _, targets in in_order(split, _READ_AT_ONCE)])
    return float(torch.unique(targets, return_counts=True)[1].max()) / len(targets)
