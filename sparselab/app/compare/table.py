"""The table of a comparison. Its columns keep their names in the CSV file; the labels on the page are those of the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import streamlit as st

from sparselab.analysis.metrics import labels, meanings
from sparselab.core.csv_text import rows_csv

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


def show_table(rows: Sequence[dict[str, Any]], *, drop: Sequence[str], key: str | None) -> None:
    """Show the rows of contenders that ran, without the columns to `drop`."""
    shown = [{name: value for name, value in row.items() if name not in drop} for row in rows if "before" in row]
    if not shown:
        return
    for row in shown:
        if row.get("difference") is not None:
            row["difference"] = 100 * row["difference"]
    first = ["contender", "before", "after", "coverage", "difference", "energy", "budget there"]
    st.dataframe(
        shown,
        hide_index=True,
        column_config=_columns(),
        column_order=first + [name for name in shown[0] if name not in first],
        row_height=56,
        height=44 + 56 * len(shown),
        key=key,
    )


def _columns() -> dict[str, Any]:
    number, label_of, help_of = st.column_config.NumberColumn, labels(), meanings()
    config: dict[str, Any] = {
        name: st.column_config.ImageColumn(help=text, width="small") for name, text in _PICTURES.items()
    }
    for name in _SHARES:
        config[name] = number(label_of[name].lower(), format="percent", help=help_of[name])
    config["coverage"] = st.column_config.ProgressColumn(
        label_of["coverage"].lower(), format="percent", min_value=0.0, max_value=1.0, help=help_of["coverage"]
    )
    config["difference"] = number(
        "difference, points",
        format="%+.1f",
        help=f"{label_of['coverage'].lower()}, in percentage points above or below the baseline",
    )
    config["budget there"] = number(
        "rule “budget”",
        format="percent",
        help=f"{label_of['coverage'].lower()} by Regroup with the rule “budget” at the same density",
    )
    for name, field in _FIELD_OF.items():
        config[name] = number(label_of[field].lower(), format="%.0f", help=help_of[field])
    config["seconds"] = number(
        format="%.2f s", help="wall-clock time of the transform; empty where it was computed before"
    )
    return config


def as_csv(rows: Sequence[dict[str, Any]]) -> str:
    """Return the table without its pictures; shares and differences as fractions."""
    fields = [name for name in rows[0] if name not in _PICTURES]
    return rows_csv(fields, [{name: row.get(name) for name in fields} for row in rows])
