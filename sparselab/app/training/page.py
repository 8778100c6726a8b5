"""Training: what structure costs in accuracy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import streamlit as st

from sparselab.app.shell.url_state import linked_tabs
from sparselab.app.training.curves import show_curves
from sparselab.app.training.papers import show_papers
from sparselab.app.training.run import show_run
from sparselab.app.training.run_choice import RUN_TAB, choose_run, find_runs
from sparselab.app.training.start import show_start
from sparselab.training.runs.views import RunView

TABS: Mapping[str, str] = MappingProxyType(
    {
        "Accuracy curves": "Accuracy curves",
        RUN_TAB: "Selected run",
        "Start a run": "Start a run",
        "What the papers print": "Published results",
    }
)
"""The labels of the tabs by their names in the address, which outlive a change of label."""


def _run(root: Path | None, chosen: RunView | None) -> None:
    if root is not None:
        show_run(root, chosen)


def _start(root: Path | None, _chosen: RunView | None) -> None:
    if root is not None:
        show_start(root)


_SHOWS: Mapping[str, Callable[[Path | None, RunView | None], None]] = MappingProxyType(
    {
        "Accuracy curves": lambda _root, chosen: show_curves(chosen),
        RUN_TAB: _run,
        "Start a run": _start,
        "What the papers print": lambda _root, _chosen: show_papers(),
    }
)


def page() -> None:
    """Draw the page."""
    st.subheader("Training", anchor=False)
    root = find_runs()
    with st.sidebar:
        chosen = choose_run(root)
    for name, place in linked_tabs(TABS, "training_tab").items():
        if place.open:
            with place:
                _SHOWS[name](root, chosen)
