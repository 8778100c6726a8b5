"""The report on the page: the few numbers that decide, each with its meaning, and all the others on demand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from sparselab.explore import View
from sparselab.metrics import meanings

_FIRST = {
    "coverage": "Coverage",
    "energy": "Energy kept",
    "density_after": "Density after",
    "block_density": "Block density",
    "fill_in": "Fill-in",
    "blocks": "Blocks",
}


def show_numbers(view: View) -> None:
    """Show the deciding numbers in a row, and every number of the report in an expander."""
    report, help_of = view.report, meanings()
    for column, (name, label) in zip(st.columns(len(_FIRST)), _FIRST.items(), strict=True):
        change = None
        if name == "density_after":
            change = f"{100 * (report['density_after'] - report['density_before']):+.2f} points"
        column.metric(label, _text(name, report[name]), delta=change, delta_color="off", help=help_of[name])
    with st.expander("All numbers"):
        rows = [
            {"number": name, "value": _text(name, report[name]), "meaning": help_of[name]}
            for name in help_of
            if name != "seconds"
        ]
        rows += [
            {"number": f"seconds: {stage}", "value": f"{spent:.3f} s", "meaning": "wall clock"}
            for stage, spent in report["seconds"].items()
        ]
        st.dataframe(rows, hide_index=True)


def show_status(view: View) -> None:
    """Say in words what happened: never silent when nothing was found."""
    report: Mapping[str, Any] = view.report
    if report["status"] == "unblocked":
        st.warning(
            f"**Nothing was found; the mask is as it was.** Why: {view.report['reason']}.", icon=":material/search_off:"
        )
    elif report["status"] == "dense":
        st.info(f"Every weight is kept: {report['reason']}.", icon=":material/square:")


def _text(name: str, value: Any) -> str:
    if value is None or value == "":
        return "–"
    if isinstance(value, float):
        return f"{value:.1f}" if name.endswith("_mean") else f"{100 * value:.2f} %"
    return f"{value:,}" if isinstance(value, int) else str(value)
