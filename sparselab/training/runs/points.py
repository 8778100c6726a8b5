"""Trainings that differ in their seed alone, as one point of a curve, and how they compare with the dense network."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import TypeVar

from sparselab.training.paired import Difference, differences
from sparselab.training.runs.outcomes import Outcome
from sparselab.training.tasks import ACCURACY

K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True, kw_only=True)
class Point:
    """Trainings of one series that differ in their seed alone: mean, least and most of their test metric.

    `to_dense`: how much more the test metric is than the dense network's, and `validated` the same of the validation metric, by
    which a point is chosen: paired by seed, all points of the study or of the runs one family. None where there is none dense.
    `tests`: the test metric by seed.
    """

    series: str
    level: int
    density: float
    channels: float
    blocks: float | None
    mean: float
    low: float
    high: float
    seeds: int
    study: bool
    stages: tuple[tuple[str, str], ...]
    metric: str = ACCURACY.name
    tests: Mapping[int, float]
    to_dense: Difference | None = None
    validated: Difference | None = None

    @property
    def wins(self) -> bool:
        """Whether this is a winning ticket: better than the dense network by more than the interval."""
        return self.to_dense is not None and self.to_dense.verdict == "better"


def points_of(outcomes: Iterable[Outcome]) -> tuple[Point, ...]:
    """Return the points of curves: trainings alike but for their seed as one, sparser ones later.

    The level tells points of one series apart, and the sparsity where a method has no levels.
    """
    groups: dict[tuple[bool, str, int, float], list[Outcome]] = {}
    dense: dict[bool, list[Outcome]] = {}
    for one in outcomes:
        if one.is_dense:
            dense.setdefault(one.study, []).append(one)
        else:
            groups.setdefault((one.study, one.series, one.level, round(one.density, 2)), []).append(one)
    found = []
    for study in (True, False):
        mine = {key: group for key, group in groups.items() if key[0] == study}
        tested, validated = (_to_dense(mine, dense.get(study, []), value) for value in (_TEST, _VALIDATION))
        found += [
            _point(key[1], key[2], group, to_dense=tested.get(key), validated=validated.get(key))
            for key, group in mine.items()
        ]
    return tuple(sorted(found, key=lambda point: (point.series, -point.density)))


def dense_of(outcomes: Iterable[Outcome], *, study: bool) -> Point | None:
    """Return the dense network as a point, over all seeds; None where none was trained."""
    group = [one for one in outcomes if one.is_dense and one.study == study]
    return _point("Dense", 0, group) if group else None


def compared(pairs: Sequence[tuple[Point, Point]]) -> list[Difference | None]:
    """Return how much more the test metric of the first of each pair is than the second's: one family of comparisons.

    None where a pair shares no seed with the others. Of two points of one metric, which is better where it is higher.
    """
    keys = [(one.stages, other.stages) for one, other in pairs]
    found = differences({point.stages: point.tests for pair in pairs for point in pair}, keys)
    return [found.get(key) for key in keys]


def chosen_of(points: Iterable[Point]) -> list[Point]:
    """Return of each series the point that keeps fewest weights among those that validation does not tell to be worse than dense.

    A point chosen by its own test accuracy would promise too much: it is chosen by validation, and the test is read once. A series
    all of whose points are worse, or have no interval, has none.
    """
    found: dict[tuple[bool, str], Point] = {}
    for point in points:
        sound = point.validated is not None and point.validated.verdict in ("better", "tie")
        held = found.get((point.study, point.series))
        if sound and (held is None or point.density < held.density):
            found[point.study, point.series] = point
    return list(found.values())


_Value = Callable[[Outcome], float]
_TEST: _Value = attrgetter("test_accuracy")
_VALIDATION: _Value = attrgetter("validation_accuracy")


def _by_seed(group: Sequence[Outcome], value: _Value) -> dict[int, float]:
    """Return a value by seed; the mean where a seed was trained more than once."""
    found: dict[int, list[float]] = {}
    for one in group:
        found.setdefault(one.seed, []).append(value(one))
    return {seed: math.fsum(values) / len(values) for seed, values in found.items()}


def _to_dense(groups: Mapping[K, Sequence[Outcome]], dense: Sequence[Outcome], value: _Value) -> dict[K, Difference]:
    """Return how much more each group comes to than the dense network: one family of comparisons."""
    if not dense:
        return {}
    values: dict[K | None, dict[int, float]] = {key: _by_seed(group, value) for key, group in groups.items()}
    values[None] = _by_seed(dense, value)
    found = differences(values, [(key, None) for key in groups], higher_is_better=dense[0].higher_is_better)
    return {key: difference for (key, _), difference in found.items() if key is not None}


def _point(
    series: str,
    level: int,
    group: Sequence[Outcome],
    *,
    to_dense: Difference | None = None,
    validated: Difference | None = None,
) -> Point:
    right = [one.test_accuracy for one in group]
    blocks = [one.blocks for one in group if one.blocks is not None]
    return Point(
        series=series,
        level=level,
        density=math.fsum(one.density for one in group) / len(group),
        channels=math.fsum(one.channels / one.channels_size for one in group) / len(group),
        blocks=math.fsum(blocks) / len(blocks) if len(blocks) == len(group) else None,
        mean=math.fsum(right) / len(right),
        low=min(right),
        high=max(right),
        seeds=len({one.seed for one in group}),
        study=group[0].study,
        stages=tuple((one.run, one.stage) for one in group),
        metric=group[0].metric,
        tests=_by_seed(group, _TEST),
        to_dense=to_dense,
        validated=validated,
    )
