"""Compare: every transform at one budget on one layer."""

from __future__ import annotations

import streamlit as st

from sparselab.app.compare.other_file import show_other_file
from sparselab.app.compare.view import show_comparison
from sparselab.app.inputs.preamble import require_source, say_groups, show_headline
from sparselab.app.inputs.sidebar import choose_density, choose_layer, choose_seed
from sparselab.app.inputs.source import counted


def page() -> None:
    """Draw the page."""
    source = require_source("Compare")
    with st.sidebar:
        layer = choose_layer(source)
        source = counted(source, layer)
        density = choose_density(source, layer)
        seed = choose_seed()
    show_headline("Compare", source, layer)
    say_groups(source, layer)
    comparison = st.container()
    show_other_file(source)  # below it, and drawn before it: a comparison waits for its end
    with comparison:
        show_comparison(source, layer, density, seed)
