"""MaskView: a layer's mask before and after, side by side, from packed bits.

Drawn by JavaScript of our own (`sparselab/display/mask_view`) and not as Plotly's heatmap, which is sent a number for every
weight: a layer of 16 million is 2 MB as bits, every pixel is the exact mean of the weights it covers, and both sides move as one
without the server.
"""

from collections.abc import Callable
from functools import cache, partial

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer

from sparselab.display.assets import VIEW, bundle, markup, styles

MASK_VIEW = "sparselab_mask_view"
"""With what the component's names begin: there is one for each height."""

MOST_HEIGHT = 640
"""CSS pixels that a picture may be tall: within it, what the window leaves below the page's top."""


def mask_view(
    payload: bytes, *, key: str, height: int = MOST_HEIGHT, on_asked: Callable[[str], None] | None = None
) -> None:
    """Show the masks in `payload` on two linked canvases.

    Args:
        payload: what `sparselab.display.message.view_message` made of one layer; it reaches the browser as it is.
        key: names the view: while it stays the same, zoom and pan outlive new data.
        height: most height of each picture in CSS pixels.
        on_asked: called with what a presenter asked for: "next" or "previous" order, "present" or "leave" the presenter view.
    """
    asked = None if on_asked is None else partial(_answer, key, on_asked)
    _component(height)(data=payload, key=key, on_asked_change=asked)


def _answer(key: str, on_asked: Callable[[str], None]) -> None:
    on_asked(st.session_state[key]["asked"])


@cache
def _component(height: int) -> ComponentRenderer:
    # Raw bytes are the whole of `data`, so the height travels in the markup: one registration per height.
    return st.components.v2.component(
        f"{MASK_VIEW}_{height}", html=markup(VIEW, height), css=styles(VIEW), js=bundle(VIEW)
    )
