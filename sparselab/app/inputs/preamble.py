"""How a page about a file begins: choose one, or be told how; then the page's title, the layer, and what was detected."""

from __future__ import annotations

import streamlit as st

from sparselab.app.inputs.card_view import show_card
from sparselab.app.inputs.source import Source, choose_source
from sparselab.formats.describe import NOT_COUNTED


def require_source(title: str) -> Source:
    """Show the source pickers in the sidebar; return the file, or end the page called `title` with what to do."""
    with st.sidebar:
        source = choose_source()
    if source is None:
        _empty_state(title)
        st.stop()
    return source


def show_headline(title: str, source: Source, layer: str | None = None) -> None:
    """Show the page's title, the layer looked at (None: the whole file), and what was detected in the file."""
    layers = source.card["layers"]
    st.subheader(title, anchor=False)
    # st.text, because names come from strangers' files and must not be read as Markdown.
    if layer is None:
        st.text(f"{source.title}: {len(layers)} layer{'s' * (len(layers) != 1)}")
    else:
        found = next(item for item in layers if item["name"] == layer)
        rows, cols = found["shape"]
        kept = NOT_COUNTED
        if found["count"] is not None:
            kept = f"{found['count']:,} weights kept ({100 * found['density']:.2f} %)"
        st.text(f"{layer} of {source.title}: {rows:,} x {cols:,}, {kept}")
    show_card(source)


def _empty_state(title: str) -> None:
    st.subheader(title, anchor=False)
    st.markdown(
        "Choose a **sample**, upload a **pruned checkpoint**, or give a **local path** on the left. "
        "The layers are then shown before and after they are given a structure."
    )
