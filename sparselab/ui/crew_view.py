"""Progress of a list of calls: how far, how long still, and Cancel; partial results as they come."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from sparselab.crew import Call, Crew
from sparselab.ui.session import session

_LOOK_SECONDS = 0.3


def run_calls(
    key: str,
    calls: Sequence[Call],
    *,
    partial: Callable[[Crew, DeltaGenerator], None],
    final: Callable[[Crew], None],
    what: str,
) -> None:
    """Run `calls` on the session's crew: show `partial` results again and again while it works, and `final` ones once.

    The wait is a loop in the script, which any click interrupts, and no self-refreshing fragment: such a one goes on
    for a moment after the visitor has left for another page, and Streamlit then draws its output into that page.
    """
    crew = session().crew
    if crew.key != key:
        st.session_state["_crew_since"] = time.monotonic()
    crew.start(key, calls)
    crew.advance()
    if crew.is_busy:
        bar, button = st.columns([4, 1], vertical_alignment="bottom")
        button.button("Cancel", key="_crew_cancel", on_click=crew.cancel)
        progress, table = bar.empty(), st.empty()
        shown = -1
        while crew.is_busy:
            if len(crew.results) > shown:
                shown = len(crew.results)
                partial(crew, table)
            progress.progress(shown / crew.total, text=_text(crew, what))
            time.sleep(_LOOK_SECONDS)
            crew.advance()
        st.rerun()
    if len(crew.results) < crew.total:
        st.info(f"Stopped after {len(crew.results)} of {crew.total} {what}.", icon=":material/cancel:")
    final(crew)


def _text(crew: Crew, what: str) -> str:
    done, total = len(crew.results), crew.total
    spent = time.monotonic() - st.session_state.get("_crew_since", time.monotonic())
    left = f", about {spent / done * (total - done):.0f} s left" if done else ""
    return f"{done} of {total} {what}{left}"
