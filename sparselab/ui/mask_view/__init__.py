"""MaskView: a layer's mask before and after, side by side, from packed bits.

Drawn by JavaScript of our own and not as Plotly's heatmap, which is sent a number for every weight: a layer of 16 million
is 2 MB as bits, every pixel is the exact mean of the weights it covers, and both sides move as one without the server.
"""

from functools import cache
from pathlib import Path

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer

_HERE = Path(__file__).parent
_SCRIPTS = (
    "wire",
    "bits",
    "resample",
    "viewport",
    "paint",
    "places",
    "marks",
    "gestures",
    "save",
    "side",
    "mask_view",
)


def mask_view(payload: bytes, *, key: str, height: int = 460) -> None:
    """Show the masks in `payload` on two linked canvases.

    Args:
        payload: what `sparselab.wire.dump` made of one layer's view; it reaches the browser as it is.
        key: names the view: while it stays the same, zoom and pan outlive new data.
        height: height of each picture in CSS pixels.
    """
    _component(height)(data=payload, key=key)


@cache
def _component(height: int) -> ComponentRenderer:
    # Raw bytes are the whole of `data`, so the height travels in the markup: one registration per height.
    return st.components.v2.component(
        f"sparselab_mask_view_{height}",
        html=_read("mask_view.html").replace("{{height}}", str(height)),
        css=_read("mask_view.css"),
        js="\n".join(_read(f"{name}.js") for name in _SCRIPTS),
    )


def _read(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")
