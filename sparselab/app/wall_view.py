"""WallView: every layer of a network as a card, drawn by `sparselab/display/wall`."""

from functools import cache

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer

from sparselab.display.assets import WALL, bundle, read, styles


def wall_view(payload: bytes, *, key: str) -> str | None:
    """Show the wall in `payload`, or tell the wall shown what has become known; return the layer that was just clicked.

    payload: what `sparselab.display.wall_message.WallMessage` holds or tells. key: a wall's stays the same; news have one each.
    """
    clicked: str | None = _component()(data=payload, key=key, on_open_change=_nothing).open
    return clicked


def _nothing() -> None:
    """A click is an answer of the component; Streamlit asks for a function all the same."""


@cache
def _component() -> ComponentRenderer:
    return st.components.v2.component("sparselab_wall", html=read(f"{WALL}.html"), css=styles(WALL), js=bundle(WALL))
