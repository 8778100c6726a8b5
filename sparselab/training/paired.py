"""Differences between trainings, paired by seed, with intervals that hold together."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import ArrayLike

CONFIDENCE = 0.95
"""How often all intervals of one family hold together."""

Verdict = Literal["better", "worse", "tie"]
K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A mean difference over `seeds` seeds, and half the width of its interval; None where no interval can be given."""

    mean: float
    margin: float | None
    seeds: int
    higher_is_better: bool = True

    @property
    def verdict(self) -> Verdict | None:
        """What the interval says: a tie where it holds 0; None without one."""
        if self.margin is None:
            return None
        if abs(self.mean) <= self.margin:
            return "tie"
        return "better" if (self.mean > 0) == self.higher_is_better else "worse"


def margin_of(values: ArrayLike, comparisons: int) -> float | None:
    """Return half the width of the interval of every difference between two rows' means; None where there is none.

    values: trainings x seeds; a column is one seed. What a seed adds to every training is taken out, as in a paired t test, and
    the spread of the rest is pooled over all trainings, as in an analysis of variance in blocks (Student's t with
    (trainings - 1)(seeds - 1) degrees of freedom): three seeds alone would give a difference two. It supposes that the rest spreads
    alike in every training, without correlation. The error is divided by the number of `comparisons` (Bonferroni), so that all
    their intervals hold together CONFIDENCE of the time. Of two rows and one comparison it is the paired t interval.

        margin = t(1 - (1 - CONFIDENCE) / (2 comparisons)) sqrt(2 s^2 / seeds)

    Example: >>> round(margin_of([[1.0, 2.0, 3.0], [1.5, 2.0, 4.0]], 1), 4)  # 0.5, 0 and 1: 4.3027 x 0.5 / sqrt(3)
             1.2421
    """
    table = np.asarray(values, dtype=np.float64)
    rows, seeds = table.shape
    freedom = (rows - 1) * (seeds - 1)
    if freedom < 1 or comparisons < 1:
        return None
    from scipy.special import stdtrit

    rest = table - table.mean(axis=1, keepdims=True) - table.mean(axis=0, keepdims=True) + table.mean()
    spread = float(np.square(rest).sum()) / freedom
    return float(stdtrit(freedom, 1 - (1 - CONFIDENCE) / (2 * comparisons))) * math.sqrt(2 * spread / seeds)


def differences(
    values: Mapping[K, Mapping[int, float]], pairs: Sequence[tuple[K, K]], *, higher_is_better: bool = True
) -> dict[tuple[K, K], Difference]:
    """Return the difference of each pair, the first less the second, as one family of `len(pairs)` comparisons.

    values: of each training, its value by seed. Only seeds that all trainings in `pairs` have are looked at, and no training with a
    value that is not finite: a pair with one has no difference.

    Example: >>> found = differences({"a": {0: 1.0, 1: 2.0}, "b": {0: 0.5, 1: 1.5}}, [("a", "b")])
             >>> found["a", "b"].mean, found["a", "b"].margin, found["a", "b"].verdict
             (0.5, 0.0, 'better')
    """
    sound = {
        key: values[key]
        for key in dict.fromkeys(key for pair in pairs for key in pair)
        if values[key] and all(map(math.isfinite, values[key].values()))
    }
    told = [pair for pair in pairs if pair[0] in sound and pair[1] in sound]
    seeds = common_seeds(sound.values())
    if not told or not seeds:
        return {}
    margin = margin_of([[each[seed] for seed in seeds] for each in sound.values()], len(told))
    return {
        (one, other): Difference(
            mean=math.fsum(sound[one][seed] - sound[other][seed] for seed in seeds) / len(seeds),
            margin=margin,
            seeds=len(seeds),
            higher_is_better=higher_is_better,
        )
        for one, other in told
    }


def common_seeds(values: Iterable[Mapping[int, float]]) -> list[int]:
    """Return the seeds that all have, in order.

    Example: >>> common_seeds([{0: 0.5, 1: 0.6, 2: 0.7}, {2: 0.4, 1: 0.5}])
             [1, 2]
    """
    found = [set(each) for each in values]
    return sorted(set.intersection(*found)) if found else []


def in_points(difference: Difference, *, factor: float = 100, digits: int = 2) -> str:
    """Return a difference in words: its mean in points, its interval, and whether it is a tie.

    Example: >>> in_points(Difference(mean=0.0039, margin=0.0091, seeds=3))
             '+0.39 ± 0.91, tie'
             >>> in_points(Difference(mean=-0.02, margin=None, seeds=1))
             '-2.00'
    """
    text = f"{factor * difference.mean:+.{digits}f}"
    if difference.margin is not None:
        text += f" ± {factor * difference.margin:.{digits}f}"
    return text + (", tie" if difference.verdict == "tie" else "")
