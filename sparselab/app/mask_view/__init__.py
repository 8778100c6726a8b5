"""MaskView: a layer's mask before and after, side by side, from packed bits.

Drawn by JavaScript of our own and not as Plotly's heatmap, which is sent a number for every weight: a layer of 16 million
is 2 MB as bits, every pixel is the exact mean of the weights it covers, and both sides move as one without the server.
"""

import re
from functools import cache
from pathlib import Path

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer

_HERE = Path(__file__).parent
_IMPORT = re.compile(r'^import [^;]*? from "\./(\w+)\.js";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?!default )", re.MULTILINE)


def mask_view(payload: bytes, *, key: str, height: int = 460) -> None:
    """Show the masks in `payload` on two linked canvases.

    Args:
        payload: what `sparselab.runtime.messages.dump` made of one layer's view; it reaches the browser as it is.
        key: names the view: while it stays the same, zoom and pan outlive new data.
        height: height of each picture in CSS pixels.
    """
    _component(height)(data=payload, key=key)


def bundle(entry: str = "mask_view") -> str:
    """Return the ES modules of this folder as the one script that Streamlit takes: each after those it imports, in one scope.

    Imports and exports are written on lines of their own; no two modules may declare the same name.
    """
    texts: dict[str, str] = {}

    def add(name: str) -> None:
        if name not in texts:
            text = _read(f"{name}.js")
            for needed in _IMPORT.findall(text):
                add(needed)
            texts[name] = _EXPORT.sub("", _IMPORT.sub("", text))

    add(entry)
    return "\n".join(texts.values())


@cache
def _component(height: int) -> ComponentRenderer:
    # Raw bytes are the whole of `data`, so the height travels in the markup: one registration per height.
    return st.components.v2.component(
        f"sparselab_mask_view_{height}",
        html=_read("mask_view.html").replace("{{height}}", str(height)),
        css=_read("mask_view.css"),
        js=bundle(),
    )


def _read(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")
