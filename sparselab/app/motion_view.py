"""MotionView: the reordering of a layer as an animation on a canvas, drawn by `sparselab/display/motion`."""

from functools import cache

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer

from sparselab.display.assets import MOTION, bundle, markup, styles


def motion_view(payload: bytes, *, key: str, height: int = 380) -> None:
    """Show the reordering in `payload`: rows travel, columns travel, blocks fill and the rest drops.

    Args:
        payload: what `sparselab.display.motion_message.motion_message` made of a layout.
        key: names the view: while it stays the same and the payload too, how far it is outlives a rerun.
        height: height of the picture in CSS pixels.
    """
    _component(height)(data=payload, key=key)


@cache
def _component(height: int) -> ComponentRenderer:
    return st.components.v2.component(
        f"sparselab_motion_{height}", html=markup(MOTION, height), css=styles(MOTION), js=bundle(MOTION)
    )
