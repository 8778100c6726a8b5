"""Progress of a list of calls: how far, how long still, and Cancel; partial results as they come."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from sparselab.app.jobs.stage_text import stage_text
from sparselab.app.shell.session import session
from sparselab.runtime.pool import Call, WorkerPool

_LOOK_SECONDS = 0.3


def run_calls(
    key: str,
    calls: Sequence[Call],
    *,
    partial: Callable[[WorkerPool, DeltaGenerator], None],
    final: Callable[[WorkerPool], None],
    what: str,
    pool: WorkerPool | None = None,
    threads: int = 1,
) -> None:
    """Run `calls` on a pool, the session's own unless another is given: show `partial` results again and again while it works, and `final` ones once.

    The wait is a loop in the script, which any click interrupts, and no self-refreshing fragment: such a one goes on
    for a moment after the visitor has left for another page, and Streamlit then draws its output into that page.
    """
    pool = pool or session().pool
    if pool.key != key:
        st.session_state["_crew_since"] = time.monotonic()
    pool.start(key, calls, threads)
    pool.advance()
    if pool.is_busy:
        bar, button = st.columns([4, 1], vertical_alignment="bottom")
        button.button("Cancel", key="_crew_cancel", on_click=pool.cancel)
        progress, table = bar.empty(), st.empty()
        shown = -1
        while pool.is_busy:
            if len(pool.results) > shown:
                shown = len(pool.results)
                partial(pool, table)
            progress.progress(_fraction(pool), text=_text(pool, what))
            time.sleep(_LOOK_SECONDS)
            pool.advance()
        st.rerun()
    if len(pool.results) < pool.total:
        st.info(f"Stopped after {len(pool.results)} of {pool.total} {what}.", icon=":material/cancel:")
    final(pool)


def _fraction(pool: WorkerPool) -> float:
    now = pool.progress.fraction if pool.progress is not None else None
    begun = now or 0.0 if pool.is_one_worker else 0.0
    return min(1.0, (len(pool.results) + begun) / pool.total)


def _text(pool: WorkerPool, what: str) -> str:
    done, total = len(pool.results), pool.total
    spent = time.monotonic() - st.session_state.get("_crew_since", time.monotonic())
    left = f", about {spent / done * (total - done):.0f} s left" if done else ""
    stage = stage_text(pool.progress) if pool.is_one_worker else ""
    counted = f"{done} of {total} {what}{left}" if total > 1 or not stage else ""
    return ": ".join(part for part in (counted, stage) if part)
