"""The report on the page: the few numbers that decide, each with its meaning, and all the others on demand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from sparselab.analysis.metrics import labels, meanings
from sparselab.workflows.explore import View

_FIRST = ("coverage", "energy", "density_after", "block_density", "fill_in", "blocks")


def show_numbers(view: View | None) -> None:
    """Show the deciding numbers in a row, dashes while there are none: the page does not jump when they come."""
    help_of, label_of = meanings(), labels()
    with st.container(horizontal=True, gap="medium", key="numbers"):
        for name in _FIRST:
            value = "–" if view is None else _text(name, view.report[name])
            st.metric(label_of[name], value, help=help_of[name], width="content")


def show_all_numbers(view: View) -> None:
    """Show every number of the report with its meaning."""
    report, help_of, label_of = view.report, meanings(), labels()
    rows = [
        {"number": label_of[name], "value": _text(name, report[name]), "meaning": meaning}
        for name, meaning in help_of.items()
        if name != "seconds"
    ]
    rows += [
        {"number": f"Seconds: {stage}", "value": f"{spent:.3f} s", "meaning": help_of["seconds"]}
        for stage, spent in report["seconds"].items()
    ]
    rows += [
        {"number": name, "value": text, "meaning": "a note of the transform"}
        for name, text in view.layout.notes.items()
    ]
    st.dataframe(rows, hide_index=True, height=min(38 + 35 * len(rows), 500))


def show_status(view: View) -> None:
    """Say in words what happened: never silent when nothing was found."""
    report: Mapping[str, Any] = view.report
    if report["status"] == "unblocked":
        st.warning(
            f"**No structure was found, and the mask is unchanged.** Reason: {report['reason']}.",
            icon=":material/search_off:",
        )
    elif report["status"] == "masked":
        st.info(f"No blocks: {report['reason']}.", icon=":material/grid_off:")
    elif report["status"] == "dense":
        st.info(f"Every weight is kept: {report['reason']}.", icon=":material/square:")


def _text(name: str, value: Any) -> str:
    if value is None or value == "":
        return "–"
    if isinstance(value, float):
        return (
            f"{value:.1f}"
            if name.endswith("_mean") or name == "efficacy"
            else f"{100 * value:.{1 if value >= 0.1 else 2}f} %"
        )
    return f"{value:,}" if isinstance(value, int) else str(value)
