"""How a page about a file begins: choose one, or be told how; then the page's title, the layer, and what was detected."""

from __future__ import annotations

import streamlit as st

from sparselab.app.inputs.card_view import show_card, show_notes
from sparselab.app.inputs.source import Source, choose_source
from sparselab.core.groups import separate_in_words
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
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(title, anchor=False, width="content")
        # st.text, because names come from strangers' files and must not be read as Markdown.
        st.text(_about(source, layer), width="content")
        show_card(source)
    show_notes(source)


def say_groups(source: Source, layer: str | None = None) -> None:
    """Say of a grouped convolution that its groups see different inputs; of a whole file (None), how many layers are such."""
    layers = source.card["layers"]
    if layer is not None:
        found = next(item for item in layers if item["name"] == layer)
        if said := separate_in_words(found["groups"], found["shape"][0]):
            st.caption(f"{said.capitalize()}.")
    elif count := sum(item["groups"] > 1 for item in layers):
        some = f"{count} layers are grouped convolutions" if count > 1 else "1 layer is a grouped convolution"
        st.caption(
            f"{some}: rows of different groups see different inputs, and no block reaches from one into the next."
        )


def _about(source: Source, layer: str | None) -> str:
    layers = source.card["layers"]
    if layer is None:
        return f"{source.title}: {len(layers)} layer{'s' * (len(layers) != 1)}"
    found = next(item for item in layers if item["name"] == layer)
    rows, cols = found["shape"]
    kept = NOT_COUNTED
    if found["count"] is not None:
        kept = f"{found['count']:,} weights kept ({100 * found['density']:.2f} %)"
    return f"{layer} of {source.title}: {rows:,} x {cols:,}, {kept}"


def _empty_state(title: str) -> None:
    st.subheader(title, anchor=False)
    st.markdown(
        "Choose a **sample**, upload a **pruned checkpoint**, or give a **local path** on the left. "
        "The layers are then shown before and after they are given a structure."
    )
