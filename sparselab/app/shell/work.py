"""One piece of work that a page waits for where it stands: through the broker, with the place in line."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import streamlit as st

from sparselab.app.shell.session import broker, session
from sparselab.runtime.broker import Request
from sparselab.runtime.pipes import Limits
from sparselab.runtime.progress import SILENT, Monitor

_LOOK_SECONDS = 0.1


def run_once(
    function: Callable[..., Any],
    *args: Any,
    limits: Limits,
    monitor: Monitor = SILENT,
    is_stranger: bool = False,
    what: str = "",
) -> Any:
    """Return what a function answers in a worker process; say meanwhile `what` is done, or who comes before.

    Without `what` nothing is said: a download has no place on the page. A click gives it up. Raises: what the function raised, LimitError, WorkerError.
    """
    job = broker().submit(Request(owner=session().name, call=(function, args), limits=limits, is_stranger=is_stranger))
    slot = st.empty() if what else None
    try:
        while not job.wait(_LOOK_SECONDS):
            monitor.check()
            if slot is not None:
                ahead = job.ahead
                slot.caption(f"{what} ..." if ahead is None else f"{what}: {ahead} before you")
        return job.result()
    finally:
        job.cancel()  # a rerun of the page ends this script here; nobody would wait for the answer
        if slot is not None:
            slot.empty()


run_stranger = partial(run_once, is_stranger=True, what="Reading in a separate process")
"""`run_once` for a file as a stranger sent it: its worker is used for nothing else afterwards."""
