"""PanesView: several masks of one layer beside each other under one zoom, drawn by `sparselab/display/panes`."""

from functools import cache

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer

from sparselab.display.assets import PANES, bundle, markup, styles


def panes_view(payload: bytes, *, key: str, height: int = 340) -> None:
    """Show the masks in `payload`, which `sparselab.display.panes_message.panes_message` made.

    Args:
        key: names the view: while it stays the same, zoom and pan outlive new data of the same shape.
        height: of each picture, in CSS pixels.
    """
    _component(height)(data=payload, key=key)


@cache
def _component(height: int) -> ComponentRenderer:
    return st.components.v2.component(
        f"sparselab_panes_{height}", html=markup(PANES, height), css=styles(PANES), js=bundle(PANES)
    )
