"""Explore: one layer's mask before and after, and every knob between them."""

from __future__ import annotations

from functools import partial

import streamlit as st

from sparselab.app.explore.details import details, waits_itself
from sparselab.app.explore.numbers import show_summary
from sparselab.app.explore.view import choose_order, mask_before, pictures
from sparselab.app.inputs.knobs import reset_knobs
from sparselab.app.inputs.preamble import require_source, show_headline
from sparselab.app.inputs.sidebar import choose_request
from sparselab.app.jobs.chance_job import chance_of_view, wait_for_chance
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
    summary = st.container(key="summary").empty()
    order, place = choose_order()
    answer = view_of(request, place)
    view = answer if isinstance(answer, View) else None
    chance = None if view is None else chance_of_view(request, view)
    summarise = partial(
        show_summary, view, mask_before(request, view), grouped=chance is not None, has_weights=request.has_weights
    )
    with summary:
        summarise(chance)
    pictures(request, view, order)
    if view is not None and not waits_itself():
        details(view, request)
    if isinstance(chance, Job) and view is not None:  # last: all else is there
        found = wait_for_chance(chance, request, view, look=place.empty().empty)
        with summary:
            summarise(found)
    elif isinstance(answer, Job):
        watch(answer, place)
    if view is not None and waits_itself():
        details(view, request)


def _reset_button() -> None:
    st.button("Reset settings", on_click=_reset, icon=":material/restart_alt:")


def _reset() -> None:
    reset_knobs()
    choose({"seed": None})
