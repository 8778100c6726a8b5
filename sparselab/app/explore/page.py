"""Explore: one layer's mask before and after, and every knob between them."""

from __future__ import annotations

import streamlit as st

from sparselab.app.explore.details import details
from sparselab.app.explore.view import choose_order, pictures
from sparselab.app.inputs.knobs import reset_knobs
from sparselab.app.inputs.preamble import require_source, show_headline
from sparselab.app.inputs.sidebar import choose_request
from sparselab.app.jobs.explore_job import view_of, watch
from sparselab.app.shell.visit import choose
from sparselab.runtime.broker import Job
from sparselab.workflows.explore import View


def page() -> None:
    """Draw the page."""
    source = require_source("Explore")
    with st.sidebar:
        request = choose_request(source)
        _reset_button()
    show_headline("Explore", request.source, request.layer)
    order, place = choose_order()
    answer = view_of(request, place)
    view = answer if isinstance(answer, View) else None
    pictures(request, view, order)
    if view is not None:
        details(view, request)
    elif isinstance(answer, Job):
        watch(answer, place)


def _reset_button() -> None:
    st.button("Reset settings", on_click=_reset, icon=":material/restart_alt:")


def _reset() -> None:
    reset_knobs()
    choose({"seed": None})
