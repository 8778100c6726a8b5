"""Accuracy against sparsity: the project's study, a run laid over it, and the masks behind a point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

import streamlit as st

from sparselab.app.inputs.setting_widget import linked_setting
from sparselab.app.shell.escape import literal
from sparselab.app.shell.url_state import linked_segments
from sparselab.app.training.charts import AXES, STANDARD, curves_figure
from sparselab.app.training.coverage import show_coverage
from sparselab.app.training.masks import show_masks
from sparselab.core.csv_text import rows_csv
from sparselab.core.errors import SparselabError
from sparselab.training.paired import CONFIDENCE, in_points
from sparselab.training.runs.outcomes import Outcome, outcomes_of, study_outcomes
from sparselab.training.runs.points import Point, chosen_of, dense_of, points_of
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
        f"Point: mean over the seeds. Bar: from the {'least to the most accurate seed' if metric == ACCURACY.name else f'least to the most {literal(metric)}'}. "
        f"Grey band: a point whose mean lies in it is a *tie* with the dense network, by the {100 * CONFIDENCE:.0f} % interval of the difference, paired by "
        "seed and corrected for the number of points compared (Bonferroni). Filled: a *winning ticket*, above it. With a dot: a tie, or too few seeds to tell. Open: worse. "
    )
    st.caption(told + ("Study: network `vgg-small` on task `digits`; docs/study.md discusses it." if shown else ""))
    _sentences(kept, metric)
    st.download_button(
        "All trainings (.csv)", data=partial(_table, outcomes), file_name="trainings.csv", on_click="ignore",
        icon=":material/download:", key="_curves_csv",
    )  # fmt: skip
    if shown:
        show_coverage(shown)
    show_masks(outcomes, view)


def _sentences(points: Sequence[Point], metric: str) -> None:
    """Say for each series which point validation would choose, and what the test says of it."""
    factor, digits = (100, 2) if metric == ACCURACY.name else (1, 4)
    chosen = [
        f"**{literal(point.series)}** {100 * point.density:.0f} % ({in_points(point.to_dense, factor=factor, digits=digits)})"
        for point in chosen_of(points)
        if point.to_dense is not None
    ]
    if chosen:
        st.markdown(
            "Fewest weights kept that validation does not tell from the dense network, and the test's difference to it"
            f"{' in points' if metric == ACCURACY.name else ''}: {'; '.join(chosen)}."
        )
    else:
        st.markdown(
            "No series shown has a point with an interval that validation does not place below the dense network."
        )
    if winning := [f"{literal(point.series)} {100 * point.density:.0f} %" for point in points if point.wins]:
        st.markdown(f"Winning tickets: {', '.join(winning)} of the weights kept.")
    else:
        st.markdown("No point shown is a winning ticket beyond its interval.")


def _table(outcomes: Sequence[Outcome]) -> str:
    rows: list[dict[str, Any]] = [asdict(outcome) | {"ticket": outcome.ticket is not None} for outcome in outcomes]
    return rows_csv(list(rows[0]), rows)
