"""Latency: how long the kernels take on this machine, dense beside them."""

from __future__ import annotations

import streamlit as st

from sparselab.app.inputs.preamble import require_source, show_headline
from sparselab.app.inputs.sidebar import choose_request
from sparselab.app.latency.break_even_map import show_map
from sparselab.app.latency.layer import show_layer
from sparselab.app.latency.stored import show_stored
from sparselab.app.latency.whole_model import show_whole_model


def page() -> None:
    """Draw the page."""
    source = require_source("Latency")
    with st.sidebar:
        request = choose_request(source)
    show_headline("Latency", source, request.layer)
    card = next(item for item in source.card["layers"] if item["name"] == request.layer)
    layer_tab, model_tab, map_tab, stored_tab = st.tabs(
        ["This layer", "Whole model", "Break-even map", "Stored results"],
        key="latency_tab",
        bind="query-params",
        on_change="rerun",
    )
    if layer_tab.open:
        with layer_tab:
            show_layer(request)
    if model_tab.open:
        with model_tab:
            show_whole_model(source, request.transform, request.settings, request.seed)
    if map_tab.open:
        with map_tab:
            show_map(card, request.seed)
    if stored_tab.open:
        with stored_tab:
            show_stored()
