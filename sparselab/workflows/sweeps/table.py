"""The results of a sweep as a table: a row a layer and point, in the plan's order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from sparselab.analysis.metrics import Report
from sparselab.analysis.worth import measure_of, worth_of
from sparselab.core.atomic_files import atomic_path
from sparselab.core.csv_text import rows_csv
from sparselab.core.errors import FileError
from sparselab.workflows.chance import Chance
from sparselab.workflows.sweeps.plan import Plan

_WHERE = ("file", "layer", "rows", "cols", "transform")
_KEPT = ("measure", "kept")
_CHANCE = ("random_mean", "random_low", "random_high", "draws", "gain")
_REPORT = tuple(each.name for each in fields(Report) if each.name != "seconds")

Row = dict[str, Any]


def swept_settings(plan: Plan) -> tuple[str, ...]:
    """Return the settings that a plan sweeps, of whichever transform; each is a column."""
    return tuple(dict.fromkeys(name for values in plan.transforms.values() for name in values))


def fixed_columns() -> tuple[str, ...]:
    """Return the columns of every sweep's table; the others are the settings that were swept."""
    return (*_WHERE, "seed", *_KEPT, *_CHANCE, *_REPORT, "error", "task")


def columns_of(plan: Plan) -> tuple[str, ...]:
    """Return the columns of a sweep's table. kept: the share by the measure of "best"; gain: beyond random groups."""
    return (*_WHERE, *swept_settings(plan), "seed", *_KEPT, *_CHANCE, *_REPORT, "error", "task")


def rows_of(plan: Plan, results: Iterable[tuple[str, Mapping[str, Any]]]) -> list[Row]:
    """Return a row for every layer of the plan and every result of it; what is not done yet has none.

    results: digests of tasks and what their files hold. What belongs to no layer or transform of the plan is left out.
    """
    places: dict[str, list[tuple[int, Row]]] = {}
    listed = ((file, layer) for file in plan.files for layer in file.layers)
    for place, (file, layer) in enumerate(listed):
        told = {"file": Path(file.path).name, "layer": layer.name, "rows": layer.rows, "cols": layer.cols}
        places.setdefault(layer.digest, []).append((place, told))
    found = [
        ((place, *_order(plan, told["task"])), {**where, **_row(plan, digest, told)})
        for digest, told in results
        for place, where in places.get(told["task"]["layer"], ())
        if told["task"]["a point of a sweep"].get("transform") in plan.transforms
    ]
    return [row for _, row in sorted(found, key=lambda each: each[0])]


def write_csv(plan: Plan, rows: Sequence[Row], path: Path) -> None:
    """Write a table as CSV, whole or not at all. Raises: FileError where it cannot be written."""
    try:
        with atomic_path(path) as temporary:
            temporary.write_text(rows_csv(columns_of(plan), rows), encoding="utf-8", newline="\n")
    except OSError as error:
        raise FileError(f"expected a file that can be written; {path}: {error.strerror}") from None


def _order(plan: Plan, task: Mapping[str, Any]) -> tuple[Any, ...]:
    asked = task["a point of a sweep"]
    listed = plan.transforms[asked["transform"]]
    places = [_place(values, asked["settings"].get(name)) for name, values in listed.items()]
    return list(plan.transforms).index(asked["transform"]), places, _place(plan.seeds, asked.get("seed"))


def _place(values: Sequence[Any], value: Any) -> int:
    return values.index(value) if value in values else len(values)


def _row(plan: Plan, digest: str, told: Mapping[str, Any]) -> Row:
    asked = told["task"]["a point of a sweep"]
    row = {"transform": asked["transform"], "seed": asked.get("seed"), "task": digest}
    row |= {name: asked["settings"].get(name) for name in swept_settings(plan) if name in asked["settings"]}
    result = told.get("result")
    if result is None:
        return {**row, "error": told.get("error", told.get("failure"))}
    report = {name: result["report"].get(name) for name in _REPORT}
    worth = worth_of(report)
    row |= {**report, "measure": measure_of(report), "kept": worth if worth >= 0 else None}
    if (drawn := result.get("chance")) is not None:
        chance = Chance(**drawn)
        values = (chance.mean, chance.low, chance.high, chance.draws, chance.gain(worth))
        row |= dict(zip(_CHANCE, values, strict=True))
    return row
