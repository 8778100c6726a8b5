"""The study's curves: test accuracy against the weights that are kept, with what the seeds leave uncertain."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, ClassVar

from annotated_types import Interval
from typing_extensions import Doc

from sparselab.core.errors import SettingError
from sparselab.lessons.views.base import LessonView
from sparselab.lessons.words import Fact, Facts
from sparselab.training.runs.outcomes import study_outcomes
from sparselab.training.runs.points import Point, dense_of, points_of

_NEAR = 1.35
"""A point is about a density where they differ by less than this factor."""


@dataclass(frozen=True)
class CurvesView(LessonView):
    """Some series of the study, read at one density.

    Facts: dense (accuracy of the dense network), seeds, and of every series, such as "Refill+", at its point nearest to `kept`:
    accuracy_refill_plus, kept_refill_plus, more_refill_plus (accuracy less dense, in points: 1 is one percentage point),
    margin_refill_plus (half of its interval, in points), verdict_refill_plus (better, tie or worse); better: how many are better.
    """

    kind: ClassVar[str] = "curves"

    series: Annotated[tuple[str, ...], Doc("series of the study by their names")]
    kept: Annotated[
        float, Interval(ge=0.001, le=1.0), Doc("share of the weights that are kept, where the curves are read")
    ]

    def __post_init__(self) -> None:
        known = sorted({point.series for point in _points()})
        if not self.series:
            raise SettingError(f"series: expected some of {', '.join(known)}; got none")
        for name in self.series:
            if name not in known:
                raise SettingError(f"series: expected some of {', '.join(known)}; got {name[:60]!r}")
            if (point := self.point(name)) is None:
                raise SettingError(f"kept: expected a density near a point of {name}; got {self.kept:g}")
            assert point is not None

    @property
    def controls(self) -> Mapping[str, str]:
        return {"kept": "share of the weights that are kept, where the curves are read"}

    @property
    def points(self) -> tuple[Point, ...]:
        """Every point of the series."""
        return tuple(point for point in _points() if point.series in self.series)

    @property
    def dense(self) -> Point:
        """The dense network."""
        found = dense_of(study_outcomes(), study=True)
        assert found is not None  # the study has it
        return found

    def point(self, series: str) -> Point | None:
        """Return the point of a series nearest to `kept`; None where none is about there."""
        near = [each for each in _points() if each.series == series and 1 / _NEAR < each.density / self.kept < _NEAR]
        return min(near, key=lambda each: abs(each.density - self.kept), default=None)

    def facts(self) -> Facts:
        found: dict[str, Fact] = {"dense": self.dense.mean, "seeds": self.dense.seeds}
        better = 0
        for name in self.series:
            point, short = self.point(name), short_name(name)
            assert point is not None  # it was checked
            found |= {f"accuracy_{short}": point.mean, f"kept_{short}": point.density}
            if (more := point.to_dense) is not None:
                found |= {f"more_{short}": 100 * more.mean, f"verdict_{short}": more.verdict or "open"}
                better += more.verdict == "better"
                if more.margin is not None:
                    found[f"margin_{short}"] = 100 * more.margin
        return found | {"better": better}


def short_name(series: str) -> str:
    """Return a series' name as facts have it.

    Example: >>> short_name("Refill+"), short_name("IMP (unstructured)")
             ('refill_plus', 'imp_unstructured')
    """
    return re.sub(r"[^a-z0-9]+", "_", series.lower().replace("+", " plus")).strip("_")


@lru_cache(maxsize=1)
def _points() -> tuple[Point, ...]:
    return points_of(study_outcomes())
