"""Weights kept against accuracy after retraining, from the study."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from sparselab.app.shell.escape import literal
from sparselab.app.training.coverage_chart import coverage_figure
from sparselab.app.training.coverage_points import CoveragePoint, coverage_points, coverage_sentences
from sparselab.training.paired import CONFIDENCE
from sparselab.training.runs.outcomes import Outcome


def show_coverage(outcomes: Sequence[Outcome]) -> None:
    """Show what each structure kept of a ticket, what it cost after training, and what that means."""
    points = _points(tuple(outcomes))
    if not points:
        return
    st.markdown("**What keeping weights is worth after training**")
    st.markdown(literal(coverage_sentences(points)))
    st.plotly_chart(coverage_figure(points), key="_coverage")
    st.caption(
        f"Across: weights of the pruned ticket that the structure still keeps, of the first seed's masks. Up: test accuracy after both were "
        f"trained again, the structured less the unstructured, paired by seed. Bar: {100 * CONFIDENCE:.0f} % interval, corrected for "
        f"{len(points)} comparisons (Bonferroni). Filled: beyond it; a ring with a dot: a tie. A structure that keeps a larger share "
        "here also keeps more weights in all: this does not tell which of the two decides."
    )


@st.cache_data(show_spinner=False, max_entries=2)
def _points(outcomes: tuple[Outcome, ...]) -> list[CoveragePoint]:
    return coverage_points(outcomes)
