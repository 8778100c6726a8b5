"""Training: what structure costs in accuracy."""

from sparselab.ui.nav import guard

guard("training")

import streamlit as st  # noqa: E402

from sparselab.training.queue import advance, runs_folder  # noqa: E402
from sparselab.ui.training_curves import show_curves  # noqa: E402
from sparselab.ui.training_papers import show_papers  # noqa: E402
from sparselab.ui.training_run import show_run  # noqa: E402
from sparselab.ui.training_source import choose_run  # noqa: E402
from sparselab.ui.training_start import show_start  # noqa: E402

root = runs_folder()
advance(root)
with st.sidebar:
    chosen = choose_run(root)

st.subheader("Training", anchor=False)
curves_tab, run_tab, start_tab, papers_tab = st.tabs(
    ["Accuracy curves", "This run", "Start a run", "What the papers print"],
    key="training_tab",
    bind="query-params",
    on_change="rerun",
)
if curves_tab.open:
    with curves_tab:
        show_curves(chosen)
if start_tab.open:
    with start_tab:
        show_start(root)
if papers_tab.open:
    with papers_tab:
        show_papers()
if run_tab.open:
    with run_tab:
        show_run(root, chosen)
