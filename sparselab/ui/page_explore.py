"""Explore: one layer's mask before and after, and every knob between them."""

from __future__ import annotations

import streamlit as st

from sparselab.explore import View
from sparselab.isolate import WorkerTask
from sparselab.transforms import TRANSFORMS
from sparselab.ui.explore_details import details
from sparselab.ui.explore_request import ExploreRequest
from sparselab.ui.explore_view import choose_order, pictures
from sparselab.ui.knobs import reset
from sparselab.ui.preamble import require_source, show_headline
from sparselab.ui.sidebar import choose_request, quick_defaults
from sparselab.ui.work import view_of, watch


def page() -> None:
    """Draw the page."""
    source = require_source("Explore")
    with st.sidebar:
        request = choose_request(source)
        _reset_button(request)
    show_headline("Explore", source, request.layer)
    order, place = choose_order()
    answer = view_of(request, place)
    view = answer if isinstance(answer, View) else None
    pictures(request, view, order)
    if view is not None:
        details(view, request)
    elif isinstance(answer, WorkerTask):
        watch(answer, place)


def _reset_button(request: ExploreRequest) -> None:
    st.button(
        "Reset knobs",
        on_click=reset,
        args=(TRANSFORMS[request.transform],),
        kwargs={"seed": 0, **quick_defaults(request.source, request.layer)},
        icon=":material/restart_alt:",
    )
