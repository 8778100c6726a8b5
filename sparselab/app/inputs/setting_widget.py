"""The widget of a setting: range, choices, default and help stand on the field, nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from sparselab.core.errors import SettingError
from sparselab.core.settings import Setting

_WIDEST_SLIDER = 256


def setting_widgets(
    settings: Sequence[Setting],
    *,
    all_settings: Sequence[Setting] | None = None,
    key_of: Callable[[str], str] = str,
    columns: Sequence[DeltaGenerator | None] = (None,),
    bound: bool = False,
    sliders: bool = False,
) -> dict[str, Any]:
    """Show a widget for every setting that counts; return their values.

    Args:
        settings: those to show, in this order.
        all_settings: where others decide which of them count, all of them.
        key_of: gives the key of a setting's widget from its name.
        columns: where the widgets go, in turns; None: where the caller stands.
        bound: a widget's value is the query parameter that its key names, absent while it is the default.
        sliders: narrow ranges become sliders.
    """
    values = {s.name: _value_now(s, key_of(s.name), bound=bound) for s in all_settings or settings}
    shown: dict[str, Any] = {}
    for setting in settings:
        if setting.counts(values):
            place = columns[len(shown) % len(columns)]
            value = setting_widget(setting, key=key_of(setting.name), place=place, bound=bound, sliders=sliders)
            shown[setting.name] = values[setting.name] = value
    return shown


def _value_now(setting: Setting, key: str, *, bound: bool) -> Any:
    """Return a setting's value before its widget is made: at the first run of a link it stands in the address alone."""
    if key in st.session_state:
        return st.session_state[key]
    if bound and (text := st.query_params.get(key)) is not None:
        with suppress(SettingError):  # the widget, too, falls back to the default
            return setting.parse(text)
    return setting.default


def setting_widget(
    setting: Setting, *, key: str, place: DeltaGenerator | None = None, bound: bool = False, sliders: bool = False
) -> Any:
    """Show the widget of one setting in `place`; return its value. For `bound` and `sliders` see `setting_widgets`."""
    on: Any = st if place is None else place
    label = setting.name.replace("_", " ").capitalize()
    common: dict[str, Any] = {"key": key, "help": "  \n".join(setting.help)} | (
        {"bind": "query-params"} if bound else {}
    )
    if setting.choices:
        if setting.default is None:
            return on.selectbox(label, setting.choices, index=None, placeholder="automatic", **common)
        return on.selectbox(label, setting.choices, index=setting.choices.index(setting.default), **common)
    if setting.kind is bool:
        return on.toggle(label, value=setting.default, **common)
    if setting.kind is str:
        return on.text_input(label, value=setting.default, **common)
    number = setting.kind
    low, high = number(setting.low or 0), number(setting.high or 0)
    common |= {"min_value": low, "max_value": high, "value": setting.default}
    if sliders and not setting.optional and high <= _WIDEST_SLIDER:
        return on.slider(label, **common)
    step = {"step": 1} if number is int else {"step": 0.01 if high <= 1 else 0.5, "format": "%g"}
    return on.number_input(label, placeholder=setting.unset.partition(":")[0] or "not set", **step, **common)
