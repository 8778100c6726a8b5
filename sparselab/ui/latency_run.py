"""Measurements of a page's tab: asked for by a button, run one after another, remembered for the visit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from sparselab.crew import Call, Crew
from sparselab.latency.running import Measured
from sparselab.ui.crew_view import run_calls
from sparselab.ui.faults import show_fault
from sparselab.ui.session import session
from sparselab.ui.text import literal

Results = Mapping[int, Any]
"""What each call gave, by its place in the list: a `Measured` as plain values, or the exception that came instead."""

_MOST_REMEMBERED = 12


def measured_by(
    tab: str,
    key: str,
    calls: Sequence[Call],
    *,
    label: str,
    what: str,
    threads: int,
    show: Callable[[Results], None],
    partial: Callable[[Results], None] | None = None,
) -> None:
    """Show a button that starts `calls`, their progress with Cancel while they run, and what they gave: now, or earlier in this visit."""
    crew, asked = session().bench, st.session_state.get("_latency_asked")
    remembered: dict[str, dict[int, Any]] = st.session_state.setdefault("_latency_results", {})
    finished = asked == (tab, key) and crew.key == key and not crew.is_busy and bool(crew.results)
    again = "Measure again" if key in remembered or finished else label
    st.button(again, type="primary", icon=":material/timer:", key=f"_{tab}_measure", on_click=_ask, args=(tab, key))
    if asked is not None and asked[0] == tab and asked[1] != key and crew.is_busy:
        crew.cancel()  # what was asked for is not what is on the page any more
        st.info("Stopped, because a setting changed.", icon=":material/cancel:")
    if asked == (tab, key):

        def show_partial(crew: Crew, slot: DeltaGenerator) -> None:
            if partial is not None and crew.results:
                with slot.container():
                    partial(crew.results)

        def show_final(crew: Crew) -> None:
            if crew.results:
                remembered[key] = dict(crew.results)
                for old in list(remembered)[:-_MOST_REMEMBERED]:
                    del remembered[old]
                show(crew.results)

        run_calls(key, calls, partial=show_partial, final=show_final, what=what, crew=crew, threads=threads)
    elif key in remembered:
        show(remembered[key])


def _ask(tab: str, key: str) -> None:
    session().bench.cancel()
    session().bench.key = None  # the same again is wanted
    st.session_state["_latency_asked"] = (tab, key)


def measured_or_said(result: Any) -> Measured | None:
    """Return what was measured; say why there is nothing, or why it could not be stored."""
    if said_instead(result):
        return None
    measured = Measured.from_json(result)
    if measured.not_stored:
        st.warning(f"Measured, but not stored: {literal(measured.not_stored)}", icon=":material/save:")
    return measured


def said_instead(result: Any) -> bool:
    """Return whether an exception came instead of an answer, having said so."""
    if isinstance(result, Exception):
        show_fault(result)
    return isinstance(result, Exception)
