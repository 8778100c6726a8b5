"""The study's curves: test accuracy against the weights that are kept, with what the seeds leave uncertain."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, ClassVar

from annotated_types import Interval
from typing_extensions import Doc

from sparselab.core.errors import SettingError
from sparselab.lessons import svg
from sparselab.lessons.phrases import phrase
from sparselab.lessons.views.base import LessonView
from sparselab.lessons.words import Fact, Facts
from sparselab.training.runs.outcomes import study_outcomes
from sparselab.training.runs.points import Point, dense_of, points_of

_NEAR = 1.35
"""A point is about a density where they differ by less than this factor."""

_LEFT, _WIDTH, _HEIGHT = 40, 400, 240


@dataclass(frozen=True)
class CurvesView(LessonView):
    """Some series of the study, read at one density.

    Facts: dense (accuracy of the dense network), seeds, and of every series that has a point near `kept`, such as "Refill+", at it:
    accuracy_refill_plus, kept_refill_plus, more_refill_plus (accuracy less dense, in points: 1 is one percentage point),
    margin_refill_plus (half of its interval, in points), verdict_refill_plus (better, tie or worse); better: how many are better.
    """

    kind: ClassVar[str] = "curves"

    series: Annotated[tuple[str, ...], Doc("series of the study by their names")]
    kept: Annotated[
        float, Interval(ge=0.001, le=1.0), Doc("share of the weights that are kept, where the curves are read")
    ]
    least: Annotated[
        float,
        Interval(ge=0.001, le=1.0),
        Doc("smallest share of the weights that is drawn: what lies below is for later"),
    ] = 0.001

    def __post_init__(self) -> None:
        known = sorted({point.series for point in _points()})
        if not self.series:
            raise SettingError(f"series: expected some of {', '.join(known)}; got none")
        if self.least > self.kept:
            raise SettingError(f"least: expected at most kept, {self.kept:g}; got {self.least:g}")
        for name in self.series:
            if name not in known:
                raise SettingError(f"series: expected some of {', '.join(known)}; got {name[:60]!r}")

    @property
    def controls(self) -> Mapping[str, str]:
        return {"kept": "share of the weights that are kept, where the curves are read"}

    @property
    def limits(self) -> Mapping[str, tuple[float, float]]:
        densities = [point.density for point in self.points]
        low, high = min(densities) / _NEAR, max(densities) * _NEAR
        return {"kept": (math.ceil(100 * low) / 100, min(1.0, math.floor(100 * high) / 100))}

    @property
    def points(self) -> tuple[Point, ...]:
        """Every point of the series that is drawn."""
        return tuple(point for point in _points() if point.series in self.series and point.density >= self.least)

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
            if point is None:
                continue
            found |= {f"accuracy_{short}": point.mean, f"kept_{short}": point.density}
            if (more := point.to_dense) is not None:
                found |= {f"more_{short}": 100 * more.mean, f"verdict_{short}": more.verdict or "open"}
                better += more.verdict == "better"
                if more.margin is not None:
                    found[f"margin_{short}"] = 100 * more.margin
        return found | {"better": better}

    def readings(self, language: str = "en") -> tuple[str, ...]:
        return tuple(f"**{name}** {self._reading(name, language)}" for name in self.series)

    def _reading(self, name: str, language: str) -> str:
        point = self.point(name)
        if point is None:
            own = ", ".join(f"{100 * each.density:.0f} %" for each in self.points if each.series == name)
            return f"{phrase('left out, no point near; its points:', language)} {own}"
        more, at = point.to_dense, f"({100 * point.density:.0f} %)"
        if more is None:
            return f"{100 * point.mean:.1f} % {at}"
        margin = "" if more.margin is None else f" ± {100 * more.margin:.1f}"
        return f"{100 * more.mean:+.1f}{margin}: {phrase(more.verdict or 'open', language)} {at}"

    def drawing(self, alt: str, *, covered: bool = False, language: str = "en") -> str:
        points, dense = self.points, 100 * self.dense.mean
        seen = [100 * each for point in points for each in (point.low, point.high)]
        low, high = min([*seen, dense]) - 0.5, max([*seen, dense]) + 0.5
        sparse = min(point.density for point in points)

        def place(density: float, accuracy: float) -> tuple[float, float]:
            along = math.log(density) / math.log(sparse)
            return _LEFT + along * _WIDTH, _HEIGHT * (high - accuracy) / (high - low) + 10

        parts = [svg.line([(_LEFT, 10), (_LEFT, _HEIGHT + 10), (_LEFT + _WIDTH, _HEIGHT + 10)], width=1)]
        for percent in (each for each in (100, 80, 60, 50, 40, 30, 20, 10, 5, 2, 1) if each / 100 >= sparse):
            x, _ = place(percent / 100, low)
            parts.append(svg.text(x, _HEIGHT + 28, str(percent), anchor="middle", size=12))
        parts += [
            svg.text(_LEFT - 8, place(1, percent)[1] + 4, str(percent), anchor="end", size=12)
            for percent in range(math.ceil(low), math.floor(high) + 1, max(1, round((high - low) / 6)))
        ]
        parts.append(svg.text(_LEFT + _WIDTH, _HEIGHT + 46, phrase("weights kept, %", language), anchor="end", size=12))
        parts.append(svg.text(_LEFT + 8, 14, phrase("test accuracy, %", language), size=12))
        parts.append(svg.line([place(1, dense), place(sparse, dense)], dash="4 3", width=1.5))
        x, _ = place(self.kept, low)
        parts.append(svg.line([(x, 10), (x, _HEIGHT + 10)], dash="2 4", width=1))
        y = _HEIGHT + 66.0
        parts.append(svg.line([(_LEFT, y - 4), (_LEFT + 40, y - 4)], dash="4 3", width=1.5))
        parts.append(svg.text(_LEFT + 48, y, phrase("the dense network", language), size=13))
        y += 20
        for name in () if covered else self.series:
            colour, dash, corners = _look(name)
            mine = [point for point in points if point.series == name]
            parts.append(svg.line([place(point.density, 100 * point.mean) for point in mine], colour=colour, dash=dash))
            for point in mine:
                ends = [place(point.density, 100 * each) for each in (point.low, point.high)]
                parts.append(svg.line(ends, colour=colour, width=1))
                filled = colour if point.wins else "none"
                spot = place(point.density, 100 * point.mean)
                parts.append(svg.dot(*spot, radius=5, fill=filled, line=colour, corners=corners))
            parts.append(svg.line([(_LEFT, y - 4), (_LEFT + 40, y - 4)], colour=colour, dash=dash))
            parts.append(svg.dot(_LEFT + 20, y - 4, fill="none", line=colour, corners=corners))
            parts.append(svg.text(_LEFT + 48, y, name, size=13))
            y += 20
        if not covered:
            parts.append(svg.dot(_LEFT + 20, y - 4, radius=4))
            parts.append(
                svg.text(_LEFT + 48, y, phrase("filled: better than dense beyond the interval", language), size=13)
            )
            y += 20
        return svg.picture(_LEFT + _WIDTH + 14, y - 6, parts, alt)


def _look(series: str) -> tuple[str, str, int]:
    """Return colour, dash and corners of a series: the same in every lesson, by its place among all of the study."""
    place = sorted({point.series for point in _points()}).index(series)
    turn, colour = divmod(place, len(svg.LINES))
    return svg.LINES[colour], svg.DASHES[place % len(svg.DASHES)], svg.CORNERS[turn % len(svg.CORNERS)]


def short_name(series: str) -> str:
    """Return a series' name as facts have it.

    Example: >>> short_name("Refill+"), short_name("IMP (unstructured)")
             ('refill_plus', 'imp_unstructured')
    """
    return re.sub(r"[^a-z0-9]+", "_", series.lower().replace("+", " plus")).strip("_")


@lru_cache(maxsize=1)
def _points() -> tuple[Point, ...]:
    return points_of(study_outcomes())
