"""Published results, beside the measured curves and never among them."""

from __future__ import annotations

import streamlit as st

from sparselab.app.shell.url_state import linked_select
from sparselab.app.training.charts import published_figure
from sparselab.training.paper_results import PAPERS, published
from sparselab.training.runs.outcomes import NAMES


def show_papers() -> None:
    """Show published accuracies of one data set, with where they stand and what to bear in mind."""
    every = published()
    st.caption(
        "Results printed in papers, on the data and networks of the papers: a reference for the shape of the curves. None was "
        "measured here, and the accuracies cannot be compared with those on this project's small task."
    )
    names = sorted({point.dataset for point in every})
    dataset = linked_select("Data set", names, "published", default=names[0], label_of=str)
    points = [point for point in every if point.dataset == dataset]
    drawn = [point for point in points if point.accuracy_percent is not None and point.remaining_percent is not None]
    if drawn:
        st.plotly_chart(published_figure(drawn), key="_published_figure")
    rows = [
        {
            "method": NAMES.get(point.method, point.method),
            "model": point.model,
            "kept": point.remaining_percent,
            "accuracy": point.accuracy_percent,
            "time saved": point.time_saved_percent,
            "dense": point.dense_accuracy_percent,
            "source": f"{point.paper}, {point.table}",
            "note": point.note,
        }
        for point in points
    ]
    percent = {
        name: st.column_config.NumberColumn(format="%.2f %%") for name in ("kept", "accuracy", "time saved", "dense")
    }
    st.dataframe(rows, hide_index=True, column_config=percent, height=min(38 + 35 * len(rows), 420))
    for paper in PAPERS.values():
        st.caption(f"**{paper.citation}**. {paper.caveat}")
