"""What a set of timings says: median and spread, and the ratio of two kernels with its interval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparselab.core.errors import SparselabError

Times = NDArray[np.floating[Any]]
"""One time a round, in any unit; round i of two kernels was measured one right after the other."""

FEWEST_ROUNDS = 8
"""With fewer, not even the smallest and largest of the ratios enclose their median in 99 of 100 cases: 1 - 2 / 2^8 = .992."""

CONFIDENCE = 0.99
MARGIN = 0.02
"""Ratios closer to 1 than this are no difference: two copies of one kernel may lie differently in memory for good."""

NOISY_SPREAD = 0.10
_RESAMPLES = 4000


@dataclass(frozen=True, kw_only=True)
class Summary:
    """Median, 20th and 80th percentile of `rounds` times."""

    median: float
    p20: float
    p80: float
    rounds: int

    @property
    def is_noisy(self) -> bool:
        """Whether p80 - p20 is more than 10 % of the median."""
        return self.p80 - self.p20 > NOISY_SPREAD * self.median


def summarise(times: Times) -> Summary:
    """Return median and percentiles of `times`, in their unit."""
    p20, median, p80 = (float(value) for value in np.percentile(times, (20, 50, 80)))
    return Summary(median=median, p20=p20, p80=p80, rounds=len(times))


@dataclass(frozen=True)
class Ratio:
    """How many times faster: dense time / this time, with its 99 % interval."""

    value: float
    low: float
    high: float


def speedup(dense: Times, ours: Times, *, seed: int = 0) -> Ratio:
    """Return the median over the rounds of dense[i] / ours[i], and its 99 % percentile bootstrap interval.

    Rounds are resampled in pairs: both times of a round were taken within milliseconds of each other, so that a slow
    minute slows both, and their ratio hardly at all. The ratio of the two medians would throw that away: it is one
    round's time over another's.

    Raises: SparselabError for unequal numbers of rounds, or none.
    Source: Efron & Tibshirani, An Introduction to the Bootstrap, 1993, sections 8.3 (paired data) and 13.3 (percentiles).
    """
    if len(dense) != len(ours) or not len(ours):
        raise SparselabError(f"expected times of equal numbers of rounds; got {len(dense)} and {len(ours)}")
    ratios = np.asarray(dense, np.float64) / np.asarray(ours, np.float64)
    rng = np.random.default_rng(seed)
    medians = np.median(ratios[rng.integers(0, len(ratios), (_RESAMPLES, len(ratios)))], axis=1)
    low, high = np.quantile(medians, ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2))
    return Ratio(float(np.median(ratios)), float(low), float(high))
