"""The table of a comparison. Its columns keep their names in the CSV file; the labels on the page are those of the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import pandas as pd  # type: ignore[import-untyped]
import streamlit as st

from sparselab.analysis.metrics import labels, meanings
from sparselab.analysis.worth import Measure
from sparselab.app.compare.entries import Entry
from sparselab.core.csv_text import rows_csv
from sparselab.transforms.contender import ROLES

_PICTURES: Mapping[str, str] = MappingProxyType(
    {
        "before": "the mask before, rows and columns as in the file; dark: kept; all pictures use one scale",
        "after": "the mask after, rows and columns by group",
    }
)
_SHARES = ("coverage", "energy", "density_after", "block_density", "fill_in", "flops_ratio", "padding_waste")
_FIELD_OF: Mapping[str, str] = MappingProxyType(
    {"block height": "rows_per_block_mean", "block width": "cols_per_block_mean"}
)
"""The fields of the report behind columns with a name of their own."""

_MOST_ROWS = 7
"""Seen without scrolling in the table, so that what a tick shows comes close below."""

_QUIET = "color: #767676"
"""For the bound, which is no candidate; its role stands beside it in words."""


def show_table(
    entries: Sequence[Entry],
    *,
    measure: Measure,
    roles: Mapping[str, str],
    points: Mapping[str, float],
    drop: Sequence[str],
    key: str | None,
) -> list[Entry]:
    """Show the contenders that ran, in the order given, without the columns to `drop`; return those selected.

    Args:
        measure: what they are compared by: its column is frozen beside the name.
        roles, points: by contender: what it is in words, and what it keeps beyond the baseline in points.
        key: of the selection; None: nothing can be selected.
    """
    ran = [entry for entry in entries if "before" in entry.row]
    if not ran:
        return []
    shown = [
        {name: value for name, value in entry.row.items() if name not in drop}
        | {"role": roles.get(entry.contender.name, "")}
        | ({} if "difference" in drop else {"difference": points.get(entry.contender.name)})
        for entry in ran
    ]
    other = "coverage" if measure == "energy" else "energy"
    first = ["contender", measure, "role", "difference", "before", "after", other, "budget there"]
    quiet = [entry.contender.role == "bound" for entry in ran]
    table = pd.DataFrame(shown).style.apply(lambda column: [_QUIET if each else "" for each in quiet])
    options: dict[str, Any] = {} if key is None else {"on_select": "rerun", "selection_mode": "multi-row"}
    event = st.dataframe(
        table,
        hide_index=True,
        column_config=_columns(measure),
        column_order=first + [name for name in shown[0] if name not in first],
        row_height=56,
        height=44 + 56 * min(len(shown), _MOST_ROWS),
        key=key,
        **options,
    )
    return [] if key is None else [ran[place] for place in event.selection.rows if place < len(ran)]


def _columns(measure: Measure) -> dict[str, Any]:
    number, label_of, help_of = st.column_config.NumberColumn, labels(), meanings()
    config: dict[str, Any] = {
        name: st.column_config.ImageColumn(help=text, width="small") for name, text in _PICTURES.items()
    }
    for name in _SHARES:
        config[name] = number(label_of[name].lower(), format="percent", help=help_of[name], pinned=name == measure)
    config["contender"] = st.column_config.TextColumn(pinned=True, width=190)
    said = "  \n".join(f"{role}: {meaning}" for role, meaning in ROLES.items())
    config["role"] = st.column_config.TextColumn(help=said, width=130)
    config["difference"] = number(
        "difference, points",
        format="%+.1f",
        help=f"{label_of[measure].lower()}, in percentage points above or below the baseline",
    )
    config["budget there"] = number(
        "rule “budget”",
        format="percent",
        help=f"{label_of['coverage'].lower()} by Regroup with the rule “budget” at the same density",
    )
    for name, field in _FIELD_OF.items():
        config[name] = number(label_of[field].lower(), format="%.0f", help=help_of[field])
    config["seconds"] = number(
        format="%.2f s",
        help="wall-clock time of the transform; empty where it was run before, in this or an earlier visit",
    )
    return config


def as_csv(rows: Sequence[dict[str, Any]]) -> str:
    """Return the table without its pictures; shares and differences as fractions."""
    fields = [name for name in rows[0] if name not in _PICTURES]
    return rows_csv(fields, [{name: row.get(name) for name in fields} for row in rows])
