"""How much two masks of one layer have in common, beside what chance gives."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from sparselab.core.errors import SparselabError
from sparselab.core.mask import Mask

CHANCE_DEVIATIONS = 3
"""As many standard deviations from what chance gives on average are still called chance: random masks are beyond it once in 370."""


@dataclass(frozen=True, kw_only=True)
class Overlap:
    """Weights kept by both masks, by A only, by B only, of `size` weights; and what chance gives for the same counts.

    `expected`, `variance`: of the weights kept by both, were each mask as many weights drawn at random (hypergeometric). Of a single
    weight, and of a mask that is full or empty, nothing is left to chance.
    """

    both: int
    only_a: int
    only_b: int
    size: int
    expected: float
    variance: float

    @property
    def kept_a(self) -> int:
        return self.both + self.only_a

    @property
    def kept_b(self) -> int:
        return self.both + self.only_b

    @property
    def is_same(self) -> bool:
        return self.only_a == self.only_b == 0

    @property
    def jaccard(self) -> float | None:
        """Kept by both / kept by any, in [0, 1]; None where nothing is kept."""
        return _share(self.both, self.both + self.only_a + self.only_b)

    @property
    def shared_of_a(self) -> float | None:
        """Kept by both / kept by A, in [0, 1]; None where A keeps nothing. Where B was made of A: its coverage."""
        return _share(self.both, self.kept_a)

    @property
    def shared_of_b(self) -> float | None:
        """Kept by both / kept by B, in [0, 1]; None where B keeps nothing."""
        return _share(self.both, self.kept_b)

    @property
    def chance_jaccard(self) -> float | None:
        """`jaccard` where as many weights are kept by both as chance gives on average."""
        return _share(self.expected, self.kept_a + self.kept_b - self.expected)

    @property
    def deviation(self) -> float:
        """Standard deviation of the weights kept by both, by chance."""
        return math.sqrt(self.variance)

    @property
    def deviations_above(self) -> float | None:
        """(kept by both - expected) / deviation; None where nothing is left to chance."""
        return (self.both - self.expected) / self.deviation if self.variance > 0 else None

    def as_json(self) -> dict[str, Any]:
        """Return counts and shares as plain values."""
        shares = ("kept_a", "kept_b", "jaccard", "shared_of_a", "shared_of_b", "chance_jaccard", "deviation")
        names = (*(field.name for field in fields(self) if field.name != "variance"), *shares, "deviations_above")
        return {name: getattr(self, name) for name in names}


def overlap(a: Mask, b: Mask) -> Overlap:
    """Return what two masks of one layer have in common.

    Of two masks that keep K and n of N weights at random, the number kept by both is hypergeometric:

        mean K n / N, variance K n (N - K) (N - n) / (N^2 (N - 1))

    Raises: SparselabError for two shapes.
    Example: >>> found = overlap(Mask(np.array([[True, True, False, False]])), Mask(np.array([[True, False, True, False]])))
             >>> found.both, found.expected, round(found.jaccard, 3), found.deviations_above
             (1, 1.0, 0.333, 0.0)
    """
    if a.shape != b.shape:
        raise SparselabError(f"expected two masks of one shape; got {a.shape} and {b.shape}")
    both = int(np.count_nonzero(a.kept & b.kept))
    size, one, other = a.kept.size, a.count, b.count
    # Whole numbers until the division: the products pass 2^63.
    variance = one * other * (size - one) * (size - other) / (size * size * (size - 1)) if size > 1 else 0.0
    return Overlap(
        both=both,
        only_a=one - both,
        only_b=other - both,
        size=size,
        expected=one * other / size,
        variance=variance,
    )


def joined(overlaps: Iterable[Overlap]) -> Overlap:
    """Return the overlap of several layers together, each with its own counts left to its own chance.

    Example: >>> one = overlap(Mask(np.eye(2, dtype=bool)), Mask(np.eye(2, dtype=bool)))
             >>> joined([one, one]).both, joined([one, one]).expected
             (4, 2.0)
    """
    found = list(overlaps)
    return Overlap(
        both=sum(each.both for each in found),
        only_a=sum(each.only_a for each in found),
        only_b=sum(each.only_b for each in found),
        size=sum(each.size for each in found),
        expected=math.fsum(each.expected for each in found),
        variance=math.fsum(each.variance for each in found),
    )


def in_words(found: Overlap) -> str:
    """Return what an overlap means, in one or two sentences.

    Example: >>> in_words(overlap(Mask(np.eye(4, dtype=bool)), Mask(np.eye(4, dtype=bool))))
             'The masks are the same.'
    """
    if found.is_same:
        return "The masks are the same."
    if found.jaccard is None or found.shared_of_a is None or found.shared_of_b is None:
        return f"The masks differ: A keeps {found.kept_a:,} weights, B {found.kept_b:,}."
    text = (
        f"Of the weights that A keeps, B keeps {100 * found.shared_of_a:.1f} %; of those of B, A keeps {100 * found.shared_of_b:.1f} %. "
        f"Both keep {found.both:,}; random masks of the same counts would share {found.expected:,.1f} ± {found.deviation:,.1f}"
    )
    above = found.deviations_above
    if above is None:
        return text + "."
    if abs(above) <= CHANCE_DEVIATIONS:
        return text + ": not told from chance."
    return text + (", far fewer." if above > 0 else ", far more.")


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None
