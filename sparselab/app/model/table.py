"""The layers of a network as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from sparselab.analysis.metrics import labels, meanings
from sparselab.app.model.results import Rows

_PERCENT = ("density", "density after", "coverage", "energy", "block density", "share of weights", "random groups")


def table_rows(layers: Sequence[Mapping[str, Any]], rows: Rows) -> list[dict[str, Any]]:
    """Return the rows of the table, a layer each. layers: as the file's card shows them."""
    whole = sum(layer["shape"][0] * layer["shape"][1] for layer in layers)
    return [_row(layer, whole, rows.get(layer["name"])) for layer in layers]


def draw_table(place: DeltaGenerator, rows: Sequence[dict[str, Any]], *, key: str | None = None) -> int | None:
    """Show the rows; return the place of the one selected. Without a key none can be."""
    shown: dict[str, Any] = {
        "hide_index": True,
        "column_config": _columns(),
        "height": min(38 + 35 * len(rows), 560),
    }
    if key is None:
        place.dataframe(rows, **shown)
        return None
    event = place.dataframe(rows, **shown, key=key, on_select="rerun", selection_mode="single-row")
    return event.selection.rows[0] if event.selection.rows else None


def _columns() -> dict[str, Any]:
    config: dict[str, Any] = {name: st.column_config.NumberColumn(format="percent") for name in _PERCENT}
    config["layer"] = st.column_config.TextColumn(pinned=True)
    config["density"] = st.column_config.ProgressColumn(format="percent", min_value=0.0, max_value=1.0)
    config["status"] = st.column_config.TextColumn(width=90)
    config["seconds"] = st.column_config.NumberColumn(
        format="%.2f s", help="Empty where the layer was done before, in this or an earlier visit."
    )
    label_of, help_of = labels(), meanings()
    for name in ("coverage", "energy", "block_density"):
        config[name.replace("_", " ")] = st.column_config.NumberColumn(
            label_of[name].lower(), help=help_of[name], format="percent"
        )
    config["random groups"] = st.column_config.NumberColumn(
        format="percent",
        help="What random groups of the same heights keep at the same budget, on average: of the energy where the layer has weights, else of the weights kept.",
    )
    return config


def _row(layer: Mapping[str, Any], whole: int, result: Mapping[str, Any] | None) -> dict[str, Any]:
    height, width = layer["shape"]
    row: dict[str, Any] = {
        "layer": layer["name"],
        "shape": f"{height} x {width}",
        "share of weights": height * width / whole,
        "density": layer["density"],
        "status": "",
    }
    if result is not None and "error" in result:
        return row | {"status": "not done", "why": result["error"]}
    if result is not None:
        report = result["report"]
        row |= {
            "density": report["density_before"],
            "status": report["status"],
            "chosen": result["contender"],
            "density after": report["density_after"],
            "coverage": report["coverage"],
            "energy": report["energy"],
            "random groups": result["chance"] and result["chance"]["mean"],
            "block density": report["block_density"],
            "blocks": report["blocks"],
            "seconds": sum(report["seconds"].values()) if report["seconds"] else None,
            "why": report["reason"],
        }
    return row
