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
    crew: Crew | None = None,
    threads: int = 1,
) -> None:
    """Run `calls` on a crew, the session's own unless another is given: show `partial` results again and again while it works, and `final` ones once.

    The wait is a loop in the script, which any click interrupts, and no self-refreshing fragment: such a one goes on
    for a moment after the visitor has left for another page, and Streamlit then draws its output into that page.
    """
    crew = crew or session().crew
    if crew.key != key:
        st.session_state["_crew_since"] = time.monotonic()
    crew.start(key, calls, threads)
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
            progress.progress(_fraction(crew), text=_text(crew, what))
            time.sleep(_LOOK_SECONDS)
            crew.advance()
        st.rerun()
    if len(crew.results) < crew.total:
        st.info(f"Stopped after {len(crew.results)} of {crew.total} {what}.", icon=":material/cancel:")
    final(crew)


def _fraction(crew: Crew) -> float:
    now = crew.progress.fraction if crew.progress is not None else None
    begun = now or 0.0 if crew.is_one_worker else 0.0
    return min(1.0, (len(crew.results) + begun) / crew.total)


def _text(crew: Crew, what: str) -> str:
    done, total = len(crew.results), crew.total
    spent = time.monotonic() - st.session_state.get("_crew_since", time.monotonic())
    left = f", about {spent / done * (total - done):.0f} s left" if done else ""
    stage = ""
    if crew.is_one_worker:
        now = crew.progress
        stage = "starting" if now is None else now.stage + (f" {now.done:,} of {now.total:,}" if now.total else "")
    counted = f"{done} of {total} {what}{left}" if total > 1 or not stage else ""
    return ": ".join(part for part in (counted, stage) if part)
