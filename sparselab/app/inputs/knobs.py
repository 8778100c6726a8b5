"""The knobs of a transform, in the address under their settings' names."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import streamlit as st

from sparselab.app.inputs.setting_widget import setting_widgets
from sparselab.core.settings import settings_of
from sparselab.transforms import TRANSFORMS


def knobs(kind: type, **defaults: Any) -> dict[str, Any]:
    """Show a widget for every setting that counts; return the values to make the transform with.

    `defaults` stand in for those of the fields: what is quick on the layer at hand may start switched on.
    """
    for name, default in defaults.items():
        follow_default(name, default)
    settings = [replace(s, default=defaults.get(s.name, s.default)) for s in settings_of(kind)]
    return setting_widgets(settings, bound=True, sliders=True)


def follow_default(name: str, default: Any) -> None:
    """Let a knob that nobody has turned take a new default at once: Streamlit keeps the old value for one more run."""
    marker = f"_default_{name}"
    before = st.session_state.get(marker, default)
    if before != default and st.session_state.get(name) == before:
        del st.session_state[name]
    st.session_state[marker] = default


def reset(kind: type, **others: Any) -> None:
    """Put every knob back to its default, and other widgets to the values given."""
    for setting in settings_of(kind):
        if setting.name in st.session_state:
            st.session_state[setting.name] = setting.default
    for name, value in others.items():
        if name in st.session_state:
            st.session_state[name] = value


def new_transform() -> None:
    """Callback of the transform picker: settings that two transforms share start from the new one's defaults."""
    reset(TRANSFORMS[st.session_state["transform"]])
