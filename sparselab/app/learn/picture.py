"""A drawing of `lessons` on the page: its own component, because Streamlit's elements take SVG out of HTML, and an image knows no theme."""

from __future__ import annotations

from functools import cache

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer

# Read as XML, in which no script runs that is put into a page so.
_DRAW = """
export default function ({ data, parentElement }) {
  const place = parentElement.querySelector("figure");
  place.replaceChildren(document.importNode(new DOMParser().parseFromString(data.svg, "image/svg+xml").documentElement, true));
}
"""
_STYLE = "figure { margin: 0; color: var(--st-text-color); }"


def show_picture(svg: str, *, key: str) -> None:
    """Show a drawing."""
    _component()(data={"svg": svg}, key=key)


@cache
def _component() -> ComponentRenderer:
    return st.components.v2.component("sparselab_drawing", html="<figure></figure>", css=_STYLE, js=_DRAW)
