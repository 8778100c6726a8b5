"""Progress of a list of calls: how far, how long still, and Cancel; partial results as they come."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from sparselab.app.jobs.stage_text import stage_text
from sparselab.app.shell.session import session
from sparselab.runtime.broker import Call, JobList
from sparselab.runtime.pipes import Limits

_LOOK_SECONDS = 0.3


def run_calls(
    key: str,
    calls: Sequence[Call],
    *,
    partial: Callable[[JobList, DeltaGenerator], None],
    final: Callable[[JobList], None],
    what: str,
    jobs: JobList | None = None,
    threads: int = 1,
    is_alone: bool = False,
    is_public: bool = False,
) -> None:
    """Run `calls` on a list of jobs, the session's own unless another is given: show `partial` results again and again while it works, and `final` ones once.

    is_public: the calls are of a sample, so that all visitors who ask under `key` share one computation.

    The wait is a loop in the script, which any click interrupts, and no self-refreshing fragment: such a one goes on
    for a moment after the visitor has left for another page, and Streamlit then draws its output into that page.
    """
    jobs = jobs or session().jobs
    if jobs.key != key:
        st.session_state["_crew_since"] = time.monotonic()
    jobs.start(key, calls, Limits(threads=threads), is_alone=is_alone, is_public=is_public)
    jobs.collect()
    if jobs.is_busy:
        bar, button = st.columns([4, 1], vertical_alignment="bottom")
        button.button("Cancel", key="_crew_cancel", on_click=jobs.cancel)
        progress, table = bar.empty(), st.empty()
        shown = -1
        while jobs.is_busy:
            if len(jobs.results) > shown:
                shown = len(jobs.results)
                partial(jobs, table)
            progress.progress(_fraction(jobs), text=_text(jobs, what))
            time.sleep(_LOOK_SECONDS)
            jobs.collect()
        st.rerun()
    if len(jobs.results) < jobs.total:
        st.info(f"Stopped after {len(jobs.results)} of {jobs.total} {what}.", icon=":material/cancel:")
    final(jobs)


def _fraction(jobs: JobList) -> float:
    now = jobs.progress.fraction if jobs.progress is not None else None
    begun = now or 0.0 if jobs.is_alone else 0.0
    return min(1.0, (len(jobs.results) + begun) / jobs.total)


def _text(jobs: JobList, what: str) -> str:
    if (ahead := jobs.ahead) is not None:
        return stage_text(None, ahead)
    done, total = len(jobs.results), jobs.total
    spent = time.monotonic() - st.session_state.get("_crew_since", time.monotonic())
    left = f", about {spent / done * (total - done):.0f} s left" if done else ""
    stage = stage_text(jobs.progress) if jobs.is_alone else ""
    counted = f"{done} of {total} {what}{left}" if total > 1 or not stage else ""
    return ": ".join(part for part in (counted, stage) if part)
