"""Run Explore's request through the broker: at once where it is quick, with progress and Cancel where it is not."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from sparselab.app.inputs.explore_request import ExploreRequest
from sparselab.app.jobs.stage_text import stage_text
from sparselab.app.shell.faults import show_fault
from sparselab.app.shell.session import session
from sparselab.core.errors import Cancelled, LimitError, SparselabError
from sparselab.runtime.broker import Call, Job, Rank, Request
from sparselab.runtime.worker import WorkerError
from sparselab.workflows.explore import View, explore
from sparselab.workflows.stored_views import found_view, stored_explore
from sparselab.workflows.tasks import results_folder

_QUICK_SECONDS = 0.8  # most answers come within this; only then does a progress bar appear
_LOOK_SECONDS = 0.1
"""How often a waiting page lets Streamlit look whether a click has superseded it: each look is a message to the browser."""

_REPORT_SECONDS = 0.25


def view_of(request: ExploreRequest, place: DeltaGenerator) -> View | Job | None:
    """Return the answer; or the job that still computes it; or None when it failed or was cancelled, which `place` says."""
    own = session()
    found: View | None = request.source.memory.get(request.key)
    if found is not None:
        return found
    if (packed := stored_view(request)) is not None:
        return _remembered(request, packed)
    if request.source.is_public:
        question = public_question(request, own.name)
    else:
        question = Request(owner=own.name, call=(explore, _asked(request)))
    job = own.latest.ask(request.key, question)
    slot = place.empty()
    deadline = time.monotonic() + _QUICK_SECONDS
    while not job.wait(_LOOK_SECONDS) and time.monotonic() < deadline:
        slot.empty()  # where Streamlit looks whether a newer knob has superseded this run
    if not job.done:
        return job
    with place:
        return _outcome(job, request)


def stored_view(request: ExploreRequest) -> dict[str, Any] | None:
    """Return what is on disk of a sample; None where nothing is, or the file is a visitor's."""
    return found_view(*_with_store(request)) if request.source.is_public else None


def public_question(request: ExploreRequest, owner: str, rank: Rank = Rank.INTERACTIVE) -> Request:
    """Return what is asked about a sample: computed once for all who ask, and kept on disk for those who come later."""
    call: Call = (stored_explore, _with_store(request))
    return Request(owner=owner, call=call, key=request.key, rank=rank)


def _asked(request: ExploreRequest) -> tuple[Any, ...]:
    source = request.source
    return source.path, request.layer, request.transform, request.settings, request.seed, source.options


def _with_store(request: ExploreRequest) -> tuple[Any, ...]:
    return (*_asked(request), str(results_folder()))


def _remembered(request: ExploreRequest, packed: Mapping[str, Any]) -> View:
    view: View = request.source.memory.remembered(request.key, lambda: View.unpack(packed))
    return view


def _outcome(job: Job, request: ExploreRequest) -> View | None:
    own = session()
    try:
        packed = job.result()
    except Cancelled:
        st.info("Cancelled. Change a setting, or run it again.", icon=":material/cancel:")
        st.button("Run again", on_click=own.latest.forget, key="_run_again")
    except (SparselabError, WorkerError) as error:
        show_fault(error)
        if isinstance(error, WorkerError | LimitError):  # the same question may find its answer another time
            st.button("Try again", on_click=own.latest.forget, key="_run_again")
    else:
        return _remembered(request, packed)
    return None


def watch(job: Job, place: DeltaGenerator) -> None:
    """Show progress and Cancel until the job is done, then run the page again. Last on the page: all else is drawn before.

    A loop in the script, which any click interrupts, and no self-refreshing fragment: such a one goes on for a moment
    after the visitor has left for another page, and Streamlit then draws its output into that page.
    """
    with place.container(horizontal=True, vertical_alignment="bottom"):
        slot = st.container(width="stretch").empty()
        st.button("Cancel", key="_cancel", on_click=session().latest.cancel, width="content")
    while not job.done:
        progress = job.progress
        slot.progress((progress and progress.fraction) or 0.0, text=stage_text(progress, job.ahead))
        job.wait(_REPORT_SECONDS)
    st.rerun()
