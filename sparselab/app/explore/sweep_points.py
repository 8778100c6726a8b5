"""What a sweep found: a row a point, the words for it, and its table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sparselab.analysis.worth import KEPT, LEVEL, Measure, measure_of, worth_of
from sparselab.core.csv_text import rows_csv
from sparselab.workflows.chance import Chance
from sparselab.workflows.sweep import Sweep, SweepPoint


@dataclass(frozen=True)
class SweptPoint:
    """A point with what was found there. worth: the share kept by the measure of "best"; chance: None where that says nothing."""

    point: SweepPoint
    report: Mapping[str, Any]
    chance: Chance | None

    @property
    def worth(self) -> float:
        return worth_of(self.report)

    @property
    def gain(self) -> float | None:
        """What is kept beyond the mean of random groups."""
        return None if self.chance is None else self.chance.gain(self.worth)


def found_points(sweep: Sweep, results: Mapping[int, Any]) -> list[SweptPoint]:
    """Return the points that have an answer and kept something, in their order. results: rows of `sweep_row`, or errors, by place."""
    rows = [(point, results.get(place)) for place, point in enumerate(sweep.points)]
    found = [
        SweptPoint(point, row["report"], None if row["chance"] is None else Chance(**row["chance"]))
        for point, row in rows
        if isinstance(row, dict)
    ]
    return [each for each in found if each.worth >= 0]


def measure_of_all(points: Sequence[SweptPoint]) -> Measure:
    """Return by what the points are compared; see `measure_of`."""
    return measure_of(points[0].report) if points else "coverage"


def budget_text(density: float | None) -> str:
    """Return a budget in words."""
    return "the mask's own budget" if density is None else f"{100 * density:.3g} % of the weights"


def label_of(sweep: Sweep, each: SweptPoint) -> str:
    """Return a point in one line: where it is, what is kept, and the gain over chance."""
    where = f"{sweep.knob.label} {each.point.value:g}" + (
        f", {budget_text(each.point.density)}" if sweep.budget else ""
    )
    gain = "" if each.gain is None else f" ({100 * each.gain:+.1f} points over random groups)"
    return f"{where}: {100 * each.worth:.1f} % kept{gain}"


def in_words(sweep: Sweep, points: Sequence[SweptPoint]) -> str:
    """Return what a sweep shows, as Markdown."""
    if not points:
        return "Nothing was found at any point."
    own = [each for each in points if each.point.density is None] or points
    most = max(own, key=lambda each: each.worth)
    at = " at the mask's own budget" if sweep.budget and own is not points else ""
    text = f"Most is kept{at} with **{sweep.knob.label.lower()} {most.point.value:g}**: **{100 * most.worth:.1f} %** "
    text += KEPT[measure_of_all(points)]
    beside = [each for each in points if each.chance is not None]
    if not beside:
        return f"{text}."
    if most.chance is not None:
        text += f", where random groups keep {100 * most.chance.mean:.1f} %"
    level = [each for each in beside if each.chance is not None and each.chance.explains(each.worth)]
    if len(level) == len(beside):
        return f"{text}. At every point random groups keep as much: these rows have no groups to be found."
    best = max((each for each in beside if each not in level), key=lambda each: each.gain or 0.0)
    text += f". The largest gain over random groups: **{100 * (best.gain or 0.0):+.1f} points** with {sweep.knob.label.lower()} "
    text += f"{best.point.value:g}" + (f" at {budget_text(best.point.density)}" if sweep.budget else "") + "."
    if level:
        text += f" At {len(level)} of {len(beside)} points random groups keep as much."
    return text


def same_point(point: SweepPoint, settings: Mapping[str, Any]) -> bool:
    """Whether the knobs stand at a point."""
    return all(_is_same(value, settings.get(name)) for name, value in point.settings.items())


def as_csv(sweep: Sweep, points: Sequence[SweptPoint]) -> str:
    """Return a line a point; shares as fractions."""
    knob, measure = sweep.knob.name, measure_of_all(points)
    fields = [knob, "density", "measure", "kept", "random_mean", "random_low", "random_high", "draws", "gain"]
    fields += ["coverage", "energy", "density_after", "blocks"]
    return rows_csv(
        fields,
        [
            {
                knob: each.point.value,
                "density": each.point.density,
                "measure": measure,
                "kept": each.worth,
                **_chance_fields(each.chance),
                "gain": each.gain,
                **{name: each.report[name] for name in ("coverage", "energy", "density_after", "blocks")},
            }
            for each in points
        ],
    )


def _chance_fields(chance: Chance | None) -> dict[str, float | int | None]:
    if chance is None:
        return dict.fromkeys(("random_mean", "random_low", "random_high", "draws"))
    return {
        "random_mean": chance.mean,
        "random_low": chance.low,
        "random_high": chance.high,
        "draws": chance.draws,
    }


def _is_same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) <= LEVEL
    return bool(one == other)
