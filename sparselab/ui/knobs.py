"""Knobs read from a transform's settings: range, default and help stand on the field, nowhere else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import streamlit as st

from sparselab.settings import Setting, settings_of
from sparselab.transforms import TRANSFORMS

_WIDEST_SLIDER = 256


def knobs(kind: type, **defaults: Any) -> dict[str, Any]:
    """Show a widget for every setting that counts; return the values to make the transform with.

    `defaults` stand in for those of the fields: what is quick on the layer at hand may start switched on.
    """
    for name, default in defaults.items():
        follow_default(name, default)
    shown: dict[str, Any] = {}
    settings = [replace(s, default=defaults.get(s.name, s.default)) for s in settings_of(kind)]
    values = {setting.name: st.session_state.get(setting.name, setting.default) for setting in settings}
    for setting in settings:
        if setting.counts(values):
            shown[setting.name] = values[setting.name] = _widget(setting)
    return shown


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


def _widget(setting: Setting) -> Any:
    label = setting.name.replace("_", " ").capitalize()
    common: dict[str, Any] = {"key": setting.name, "help": "  \n".join(setting.help), "bind": "query-params"}
    if setting.choices:
        return st.selectbox(label, setting.choices, index=setting.choices.index(setting.default), **common)
    if setting.kind is bool:
        return st.toggle(label, value=setting.default, **common)
    number = setting.kind
    low, high = number(setting.low or 0), number(setting.high or 0)
    if setting.optional or high > _WIDEST_SLIDER:
        step = {"step": 1} if number is int else {"step": 0.01, "format": "%.3f"}
        return st.number_input(
            label,
            min_value=low,
            max_value=high,
            value=setting.default,
            placeholder=setting.unset or "not set",
            **step,
            **common,
        )
    return st.slider(label, min_value=low, max_value=high, value=setting.default, **common)
