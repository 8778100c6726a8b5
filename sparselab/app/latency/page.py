"""Latency: how long the kernels take on this machine, dense beside them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import streamlit as st

from sparselab.app.inputs.preamble import require_source, show_headline
from sparselab.app.inputs.sidebar import choose_request
from sparselab.app.latency.break_even_map import show_map
from sparselab.app.latency.layer import show_layer
from sparselab.app.latency.stored import show_stored
from sparselab.app.latency.tradeoff import show_tradeoff
from sparselab.app.latency.whole_model import show_whole_model
from sparselab.app.shell.url_state import linked_tabs

TABS: Mapping[str, str] = MappingProxyType(
    {
        "This layer": "This layer",
        "Whole model": "Whole network",
        "Break-even map": "Break-even map",
        "Gain and loss": "Kept against time",
        "Stored results": "Stored sessions",
    }
)
"""The labels of the tabs by their names in the address, which outlive a change of label."""


def page() -> None:
    """Draw the page."""
    source = require_source("Latency")
    with st.sidebar:
        request = choose_request(source)
    show_headline("Latency", request.source, request.layer)
    card = next(item for item in request.source.card["layers"] if item["name"] == request.layer)
    shows: Mapping[str, Callable[[], None]] = {
        "This layer": lambda: show_layer(request),
        "Whole model": lambda: show_whole_model(source, request.transform, request.settings, request.seed),
        "Break-even map": lambda: show_map(card, request.source.card["layers"], request.seed),
        "Gain and loss": lambda: show_tradeoff(card),
        "Stored results": show_stored,
    }
    for name, place in linked_tabs(TABS, "latency_tab").items():
        if place.open:
            with place:
                shows[name]()
