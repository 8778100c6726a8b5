"""Run Explore's request in the session's worker: at once where it is quick, with progress and Cancel where it is not."""

from __future__ import annotations

import time

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from sparselab.app.inputs.explore_request import ExploreRequest
from sparselab.app.jobs.stage_text import stage_text
from sparselab.app.shell.faults import show_fault
from sparselab.app.shell.session import session
from sparselab.core.errors import Cancelled, SparselabError
from sparselab.runtime.worker import WorkerError, WorkerTask
from sparselab.workflows.explore import View, explore

_QUICK_SECONDS = 0.8  # most answers come within this; only then does a progress bar appear
_LOOK_SECONDS = 0.02


def view_of(request: ExploreRequest, place: DeltaGenerator) -> View | WorkerTask | None:
    """Return the answer; or the task that still computes it; or None when it failed or was cancelled, which `place` says."""
    own = session()
    if own.knows(request.key):
        found: View = own.remembered(request.key, lambda: None)
        return found
    source = request.source
    task = own.session_worker.request(
        request.key,
        explore,
        source.path,
        request.layer,
        request.transform,
        request.settings,
        request.seed,
        source.options,
    )
    slot = place.empty()
    deadline = time.monotonic() + _QUICK_SECONDS
    while not task.wait(_LOOK_SECONDS) and time.monotonic() < deadline:
        slot.empty()  # where Streamlit looks whether a newer knob has superseded this run
    if not task.done:
        return task
    with place:
        return _outcome(task, request)


def _outcome(task: WorkerTask, request: ExploreRequest) -> View | None:
    own = session()
    try:
        packed = task.result()
    except Cancelled:
        st.info("Cancelled. Change a setting, or run it again.", icon=":material/cancel:")
        st.button("Run again", on_click=own.session_worker.forget, key="_run_again")
    except SparselabError as error:
        show_fault(error)
    except WorkerError as error:
        print(error, flush=True)  # for the operator's log; a visitor is told what it means for them
        show_fault(error)
        st.button("Try again", on_click=own.session_worker.forget, key="_run_again")
    else:
        view: View = own.remembered(request.key, lambda: View.unpack(packed))
        return view
    return None


def watch(task: WorkerTask, place: DeltaGenerator) -> None:
    """Show progress and Cancel until the task is done, then run the page again. Last on the page: all else is drawn before.

    A loop in the script, which any click interrupts, and no self-refreshing fragment: such a one goes on for a moment
    after the visitor has left for another page, and Streamlit then draws its output into that page.
    """
    with place.container(horizontal=True, vertical_alignment="bottom"):
        slot = st.container(width="stretch").empty()
        st.button("Cancel", key="_cancel", on_click=session().session_worker.cancel, width="content")
    while not task.done:
        progress = task.progress
        slot.progress((progress and progress.fraction) or 0.0, text=stage_text(progress))
        task.wait(0.1)
    st.rerun()
