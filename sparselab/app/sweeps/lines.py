"""What of a sweep's table is drawn: filters over what varies, the charts, and the lines in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sparselab.core.settings import settings_of
from sparselab.transforms import TRANSFORMS
from sparselab.workflows.sweeps.table import Row
from sparselab.workflows.sweeps.table_file import ReadTable

MOST_CHARTS = 12
"""Small multiples drawn at once; filters choose others."""

MOST_LINES = 12
"""Lines in one chart that eyes still tell apart."""

BUDGET = "density"
"""The setting that is the horizontal axis."""


def varying(table: ReadTable) -> tuple[str, ...]:
    """Return the columns that tell the points apart, as far as they take several values: the layer first."""
    told = ("file", "layer", "transform", *table.swept, "seed")
    return tuple(name for name in told if len(values_of(table.rows, name)) > 1)


def values_of(rows: Sequence[Row], column: str) -> list[Any]:
    """Return the values of a column, once each, numbers ascending, else in their order."""
    found = list(dict.fromkeys(row.get(column) for row in rows))
    is_numbers = all(isinstance(each, int | float) for each in found if each is not None)
    return sorted(found, key=lambda each: (each is not None, each or 0)) if is_numbers else found


def filtered(rows: Sequence[Row], wanted: Mapping[str, Sequence[Any]]) -> list[Row]:
    """Return the rows that have one of the values wanted in every column that is named; a column without any is free."""
    return [row for row in rows if all(row.get(name) in values for name, values in wanted.items() if values)]


def charts_of(rows: Sequence[Row], column: str, among: Sequence[str], measure: str) -> dict[Any, dict[str, list[Row]]]:
    """Return the rows that have the number `measure`, by chart and by line, from the least weights spent to the most.

    column: what has a chart a value. among: the columns that vary; those that are neither chart nor budget name the line.
    """
    told = [name for name in among if name not in (column, BUDGET)]
    found: dict[Any, dict[str, list[Row]]] = {}
    done = [row for row in rows if row.get(measure) is not None and row.get("density_after") is not None]
    for row in done:
        line = ", ".join(_in_words(name, row[name]) for name in told if row.get(name) is not None)
        found.setdefault(row.get(column), {}).setdefault(line or "weights kept", []).append(row)
    for lines in found.values():
        for each in lines.values():
            each.sort(key=lambda row: float(row["density_after"]))
    return {value: found[value] for value in values_of(rows, column) if value in found}


def _in_words(column: str, value: Any) -> str:
    """Return what a column's value adds to the name of a line."""
    if column == "transform":
        return TRANSFORMS[value].title if value in TRANSFORMS else str(value)
    label = label_of(column)
    return f"{label[:1].lower()}{label[1:]} {text_of(value)}"


def label_of(column: str) -> str:
    """Return what a column is called on the page."""
    for kind in TRANSFORMS.values():
        for setting in settings_of(kind):
            if setting.name == column:
                return setting.label
    return column.replace("_", " ").capitalize()


def text_of(value: Any) -> str:
    """Return a value in short."""
    if value is None:
        return "not set"
    return f"{value:g}" if isinstance(value, float) else str(value)
