"""Training: what structure costs in accuracy."""

from __future__ import annotations

import streamlit as st

from sparselab.app.training.curves import show_curves
from sparselab.app.training.papers import show_papers
from sparselab.app.training.run import show_run
from sparselab.app.training.run_choice import choose_run, find_runs
from sparselab.app.training.start import show_start


def page() -> None:
    """Draw the page."""
    st.subheader("Training", anchor=False)
    root = find_runs()
    with st.sidebar:
        chosen = choose_run(root)
    curves_tab, run_tab, start_tab, papers_tab = st.tabs(
        ["Accuracy curves", "This run", "Start a run", "What the papers print"],
        key="training_tab",
        bind="query-params",
        on_change="rerun",
    )
    if curves_tab.open:
        with curves_tab:
            show_curves(chosen)
    if start_tab.open and root is not None:
        with start_tab:
            show_start(root)
    if papers_tab.open:
        with papers_tab:
            show_papers()
    if run_tab.open and root is not None:
        with run_tab:
            show_run(root, chosen)
