"""Accuracy against sparsity: the project's study, a run laid over it, and the masks behind a point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import streamlit as st

from sparselab.app.inputs.setting_widget import linked_setting
from sparselab.app.shell.escape import literal
from sparselab.app.shell.url_state import linked_segments
from sparselab.app.training.charts import AXES, STANDARD, curves_figure
from sparselab.app.training.masks import show_masks
from sparselab.core.csv_text import rows_csv
from sparselab.core.errors import SparselabError
from sparselab.training.runs.outcomes import Outcome, Point, dense_of, outcomes_of, points_of, study_outcomes
from sparselab.training.runs.views import RunView
from sparselab.training.tasks import ACCURACY


def show_curves(view: RunView | None) -> None:
    """Show the curves, what they say, and below them the masks of one training."""
    try:
        study = study_outcomes()
    except SparselabError as error:
        st.error(literal(str(error)), icon=":material/block:")
        study = ()
    mine = () if view is None else outcomes_of(view)
    metric = mine[0].metric if mine else ACCURACY.name
    if metric != ACCURACY.name:
        study = ()  # two metrics have no common axis
    if not study and not mine:
        st.info(
            "No training has finished yet. Choose a run on the left, or start a run on the tab *Start a run*.",
            icon=":material/show_chart:",
        )
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        axis = linked_segments(
            "Horizontal axis",
            {name: name for name in AXES},
            "axis",
            default="weights kept",
            help="A structure may keep few weights in all channels, or all weights of few channels.",
        )
        shown = list(study) if study else []
        if study and mine and not linked_setting("with_study"):
            shown = []
    outcomes = [*shown, *mine]
    points = points_of(outcomes)
    names = list(dict.fromkeys(point.series for point in points))
    start = [name for name in names if name in STANDARD] or names
    chosen = st.pills(
        "Series", names, default=start, selection_mode="multi", key="_series", label_visibility="collapsed"
    )
    kept = [point for point in points if point.series in chosen]
    dense = [dense_of(outcomes, study=True), dense_of(outcomes, study=False)]
    st.plotly_chart(curves_figure(kept, dense, axis), key="_curves")
    told = (
        "Point: mean over the seeds. Bar: from the least to the most accurate seed. Filled point: a *winning ticket*, which "
        "is at least as accurate as the dense network. "
        if metric == ACCURACY.name
        else f"Point: mean over the seeds. Bar: least to most {literal(metric)}. Filled point: a *winning ticket*, which is no "
        "worse than the dense network. "
    )
    st.caption(told + ("Study: network `vgg-small` on task `digits`; docs/study.md discusses it." if shown else ""))
    _sentences(kept)
    st.download_button(
        "All trainings shown (.csv)", data=_table(outcomes), file_name="trainings.csv", on_click="ignore",
        icon=":material/download:", key="_curves_csv",
    )  # fmt: skip
    show_masks(outcomes, view)


def _sentences(points: Sequence[Point]) -> None:
    """Say for each series how many weights its sparsest winning ticket keeps."""
    lines = []
    for series in dict.fromkeys(point.series for point in points):
        mine = [point for point in points if point.series == series and point.wins]
        if mine:
            best = min(mine, key=lambda point: point.density)
            lines.append(f"**{literal(series)}** {100 * best.density:.0f} % of the weights kept")
    if lines:
        st.markdown("Sparsest winning tickets: " + "; ".join(lines) + ".")
    else:
        st.markdown("None of the series shown has a winning ticket.")


def _table(outcomes: Sequence[Outcome]) -> str:
    rows: list[dict[str, Any]] = [asdict(outcome) | {"ticket": outcome.ticket is not None} for outcome in outcomes]
    return rows_csv(list(rows[0]), rows)
