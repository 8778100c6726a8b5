"""Progress of a list of calls: how far, how long still, and Cancel; partial results as they come."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import streamlit as st

from sparselab.crew import Call, Crew
from sparselab.ui.session import session


def run_calls(key: str, calls: Sequence[Call], show: Callable[[Crew], None], *, what: str) -> None:
    """Run `calls` on the session's crew and show its results: while it works again and again, then once more."""
    crew = session().crew
    if crew.key != key:
        st.session_state["_crew_since"] = time.monotonic()
    crew.start(key, calls)
    crew.advance()
    if crew.is_busy:
        _watch(crew, show, what)
    else:
        if len(crew.results) < crew.total:
            st.info(f"Stopped after {len(crew.results)} of {crew.total} {what}.", icon=":material/cancel:")
        show(crew)


@st.fragment(run_every=0.4)
def _watch(crew: Crew, show: Callable[[Crew], None], what: str) -> None:
    crew.advance()
    if not crew.is_busy:
        st.rerun()
    done, total = len(crew.results), crew.total
    spent = time.monotonic() - st.session_state.get("_crew_since", time.monotonic())
    left = f", about {spent / done * (total - done):.0f} s left" if done else ""
    bar, button = st.columns([6, 1], vertical_alignment="bottom")
    bar.progress(done / total, text=f"{done} of {total} {what}{left}")
    if button.button("Cancel", key="_crew_cancel"):
        crew.cancel()
        st.rerun()
    show(crew)
