"""A transform on a layer with one combination of its settings: the usual kind of task."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, ClassVar

from sparselab.analysis.metrics import Report
from sparselab.analysis.worth import measure_of, worth_of
from sparselab.core.errors import Cancelled, FileError, LimitError, SparselabError, UnavailableError
from sparselab.core.settings import settings_of
from sparselab.runtime.progress import Monitor
from sparselab.transforms import TRANSFORMS
from sparselab.transforms.base import Transform
from sparselab.workflows.chance import Chance
from sparselab.workflows.sweeps.kinds.base import Result, Row, Swept, TaskKind, are_plain, planned_layer
from sparselab.workflows.sweeps.point import POINT, Place, Task, found_at

_SENT_WEIGHTS = 2**20
"""Of a layer whose layouts come back with the results, for pages that show them: a sweep's are many."""

WHERE = ("file", "layer", "rows", "cols", "transform")
_KEPT = ("measure", "kept")
_CHANCE = ("random_mean", "random_low", "random_high", "draws", "gain")
_REPORT = tuple(each.name for each in fields(Report) if each.name != "seconds")


class TransformKind(TaskKind):
    """Its result: the report, and what random groups keep. Beside it the layout, where it is small."""

    mark: ClassVar[str] = POINT
    is_shared: ClassVar[bool] = True

    def compute(self, task: Task, place: Place, workplace: str, monitor: Monitor) -> dict[str, Any]:
        """See `TaskKind.compute`. Raises: LimitError where a clock ended a search."""
        asked, layer = task[POINT], planned_layer(task, place)
        chance, device = asked["chance"], asked["device"]
        try:
            run = without_clock(asked["transform"], asked["settings"])
            answer = found_at(layer, run, asked["seed"], with_chance=chance, device=device, monitor=monitor)
        except (FileError, LimitError, UnavailableError, Cancelled):
            raise
        except SparselabError as error:
            return {"error": str(error)}
        if not answer.pop("repeatable"):
            raise LimitError("expected a search that its steps end; the clock ended it: set fewer steps")
        layout, seconds = answer.pop("layout"), answer["report"].pop("seconds")
        kept = {"layout": layout.pack()} if layer.mask.rows * layer.mask.cols <= _SENT_WEIGHTS else {}
        return {"result": answer, "seconds": seconds, **kept}

    def is_whole(self, told: Result) -> bool:
        """See `TaskKind.is_whole`."""
        asked, result = told["task"][POINT], told.get("result")
        found = [*asked["settings"], *asked["settings"].values(), asked["seed"]]
        if result is None:
            found.append(told["error"] if "error" in told else told["failure"])
        else:
            found += result["report"].values()
            found += Chance(**result["chance"]).as_json().values() if result["chance"] else ()
            worth_of(result["report"])
        return isinstance(told["task"]["layer"], str) and isinstance(asked["transform"], str) and are_plain(found)

    def columns(self, plan: Swept) -> tuple[str, ...]:
        """Return the columns. kept: the share by the measure of "best"; gain: beyond random groups."""
        return (*WHERE, *swept_settings(plan), "seed", *_KEPT, *_CHANCE, *_REPORT, "error", "task")

    def rows(
        self, plan: Swept, results: Iterable[tuple[str, Result]], figures: Mapping[str, Sequence[Result]]
    ) -> list[Row]:
        """Return a row for every layer of the plan and every result of it; what is not done yet has none."""
        return [{**row, **_found(told)} for row, told in placed(plan, results, POINT)]


def fixed_columns() -> tuple[str, ...]:
    """Return the columns of every table of transforms; the others are the settings that were swept."""
    return (*WHERE, "seed", *_KEPT, *_CHANCE, *_REPORT, "error", "task")


def swept_settings(plan: Swept) -> tuple[str, ...]:
    """Return the settings that a plan sweeps, of whichever transform; each is a column."""
    return tuple(dict.fromkeys(name for values in plan.transforms.values() for name in values))


def placed(plan: Swept, results: Iterable[tuple[str, Result]], mark: str) -> list[tuple[Row, Result]]:
    """Return for every layer of the plan, and every result on it, in the plan's order, where and with which settings that is."""
    places: dict[str, list[tuple[int, Row]]] = {}
    listed = ((file, layer) for file in plan.files for layer in file.layers)
    for place, (file, layer) in enumerate(listed):
        told = {"file": Path(file.path).name, "layer": layer.name, "rows": layer.rows, "cols": layer.cols}
        places.setdefault(layer.digest, []).append((place, told))

    def found() -> Iterator[tuple[Any, Row, Result]]:
        for digest, told in results:
            asked = told["task"].get(mark)
            if asked is None or asked["transform"] not in plan.transforms:
                continue
            row = {"transform": asked["transform"], "seed": asked.get("seed"), "task": digest}
            row |= {name: asked["settings"][name] for name in swept_settings(plan) if name in asked["settings"]}
            for place, where in places.get(told["task"]["layer"], ()):
                yield (place, *_order(plan, asked)), {**where, **row}, told

    return [(row, told) for _, row, told in sorted(found(), key=lambda each: each[0])]


def without_clock(transform: str, settings: Mapping[str, Any]) -> Transform:
    """Return the transform with every bound on seconds as far away as may be: steps alone end its searches."""
    kind = TRANSFORMS[transform]
    bounds = {
        each.name: each.kind(each.high) for each in settings_of(kind) if each.stops_by_clock and each.high is not None
    }
    return kind(**{**settings, **bounds})


def _order(plan: Swept, asked: Mapping[str, Any]) -> tuple[Any, ...]:
    listed = plan.transforms[asked["transform"]]
    places = [_place(values, asked["settings"].get(name)) for name, values in listed.items()]
    return list(plan.transforms).index(asked["transform"]), places, _place(plan.seeds, asked.get("seed"))


def _place(values: Sequence[Any], value: Any) -> int:
    return values.index(value) if value in values else len(values)


def _found(told: Result) -> Row:
    result = told.get("result")
    if result is None:
        return {"error": told.get("error", told.get("failure"))}
    report = {name: result["report"].get(name) for name in _REPORT}
    worth = worth_of(report)
    row = {**report, "measure": measure_of(report), "kept": worth if worth >= 0 else None}
    if (drawn := result.get("chance")) is not None:
        chance = Chance(**drawn)
        values = (chance.mean, chance.low, chance.high, chance.draws, chance.gain(worth))
        row |= dict(zip(_CHANCE, values, strict=True))
    return row
