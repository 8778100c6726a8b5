"""What of a sweep has no chart, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from sparselab.analysis.worth import Measure
from sparselab.app.sweeps.lines import MOST_CHARTS, text_of, values_of
from sparselab.workflows.sweeps.table import Row
from sparselab.workflows.sweeps.table_file import ReadTable

MOST_NAMED, MOST_REASONS = 20, 4
"""Names in a sentence, and sentences; the table has them all."""

_LONGEST_REASON = 200
_LACKS: Mapping[Measure, str] = MappingProxyType(
    {
        "coverage": "it keeps no weights, so there is no share of them",
        "energy": "it is a mask without weights, or all of them are 0: it has no energy",
    }
)


def without_chart(table: ReadTable, rows: Sequence[Row], column: str, measure: Measure, drawn: Sequence[Any]) -> str:
    """Return, a sentence a reason, which values of `column` have no chart among those that are drawn; "" where all have.

    rows: those of the table that the filters leave. A layer of the plan that has no row yet is named where they leave all.
    """
    by_value: dict[Any, list[Row]] = {}
    for row in rows:
        by_value.setdefault(row.get(column), []).append(row)
    found: dict[str, list[str]] = {}
    for value in values_of(rows, column):
        if value not in drawn:
            found.setdefault(_reason(by_value[value], measure), []).append(text_of(value))
    if column == "layer" and table.plan is not None and len(rows) == len(table.rows):
        planned = dict.fromkeys(layer.name for file in table.plan.files for layer in file.layers)
        if later := [name for name in planned if name not in by_value]:
            found["none of its points is done yet"] = later
    told = [f"No chart for {_listed(names)}: {reason}." for reason, names in found.items()]
    more = sum(map(len, list(found.values())[MOST_REASONS:]))
    return " ".join([*told[:MOST_REASONS], *([f"{more:,} more have none, for other reasons."] if more else [])])


def _reason(rows: Sequence[Row], measure: Measure) -> str:
    """Return why rows are not drawn, by what most of them lack."""
    if any(row.get(measure) is not None and row.get("density_after") is not None for row in rows):
        return f"{MOST_CHARTS} charts are drawn at most; the filters choose others"
    reasons = Counter(_lack(row, measure) for row in rows)
    ((reason, _),) = reasons.most_common(1)
    short = reason if len(reason) <= _LONGEST_REASON else f"{reason[:_LONGEST_REASON]}…"
    return short.rstrip(".") + (", and other reasons in the table" if len(reasons) > 1 else "")


def _lack(row: Row, measure: Measure) -> str:
    blocks = row.get("reason") if row.get("status") == "unblocked" else None
    return str(row.get("error") or blocks or _LACKS[measure])


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:MOST_NAMED])
    return shown if len(names) <= MOST_NAMED else f"{shown} and {len(names) - MOST_NAMED:,} more"
