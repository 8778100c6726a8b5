"""The widget of a setting: label, range, choices, default and help stand on the field, nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from sparselab.app.shell.address import fixed_keys
from sparselab.app.shell.visit import chosen, page_now, seat
from sparselab.core.settings import Setting

_WIDEST_SLIDER = 256


def setting_widgets(
    settings: Sequence[Setting],
    *,
    all_settings: Sequence[Setting] | None = None,
    key_of: Callable[[str], str] = str,
    columns: Sequence[DeltaGenerator | None] = (None,),
    linked: bool = False,
    sliders: bool = False,
) -> dict[str, Any]:
    """Show a widget for every setting that counts; return their values.

    Args:
        settings: those to show, in this order.
        all_settings: where others decide which of them count, all of them.
        key_of: gives the key of a setting's widget from its name.
        columns: where the widgets go, in turns; None: where the caller stands.
        linked: a widget's value is that of the address's key of its name.
        sliders: narrow ranges become sliders.
    """
    values = {s.name: _value_now(s, key_of(s.name), linked=linked) for s in all_settings or settings}
    shown: dict[str, Any] = {}
    for setting in settings:
        if setting.counts(values):
            place = columns[len(shown) % len(columns)]
            # Where nothing is set a number can stand for it: without one its buttons + and - have nothing to begin with.
            unset = setting.stands_for(values) if linked and setting.default is None else None
            drawn = setting if unset is None else replace(setting, default=unset)
            value = setting_widget(drawn, key=key_of(setting.name), place=place, linked=linked, sliders=sliders)
            value = None if unset is not None and value == unset else value
            shown[setting.name] = values[setting.name] = value
    return shown


def _value_now(setting: Setting, key: str, *, linked: bool) -> Any:
    return chosen(setting.name, setting.default) if linked else st.session_state.get(key, setting.default)


def linked_setting(name: str, default: Any = None, **look: Any) -> Any:
    """Show the widget of a key of the address; return its value. `default`: the page's own, where the key has none.

    `look`: as Streamlit's widgets take it, such as `width`, or `help` in place of the key's own.
    """
    setting = fixed_keys(page_now())[name].setting
    if default is not None:
        setting = replace(setting, default=default, optional=False)
    return setting_widget(setting, key=name, linked=True, **look)


def setting_widget(
    setting: Setting,
    *,
    key: str,
    place: DeltaGenerator | None = None,
    linked: bool = False,
    sliders: bool = False,
    **look: Any,
) -> Any:
    """Show the widget of one setting in `place`; return its value. For `linked` and `sliders` see `setting_widgets`."""
    on: Any = st if place is None else place
    default = setting.default
    common: dict[str, Any] = {"key": key, "help": _help(setting)} | look
    if linked:
        value = chosen(setting.name, default)
        # What is shown then comes from the state alone: Streamlit warns of a widget that is given a value in two ways.
        common |= seat(setting.name, value if value is None else setting.kind(value), default, widget=key)
    if setting.choices:
        common["format_func"] = setting.title_of
        if default is None:
            return on.selectbox(setting.label, setting.choices, index=None, placeholder="automatic", **common)
        start = 0 if linked else setting.choices.index(default)
        return on.selectbox(setting.label, setting.choices, index=start, **common)
    if setting.kind is bool:
        return on.toggle(setting.label, value=default and not linked, **common)
    if setting.kind is str:
        return on.text_input(setting.label, value="" if linked else default, **common)
    number = setting.kind
    common |= {"min_value": number(setting.low or 0), "max_value": number(setting.high or 0)}
    if not linked or setting.optional:
        common["value"] = None if linked else default
    if sliders and not setting.optional and (setting.high or 0) <= _WIDEST_SLIDER:
        return on.slider(setting.label, **common)
    step = {"step": 1} if number is int else {"step": 0.01 if (setting.high or 0) <= 1 else 0.5, "format": "%g"}
    hint = setting.unset.partition(":")[0] or "not set"
    return on.number_input(setting.label, **{"placeholder": hint} | step | common)


def _help(setting: Setting) -> str:
    lines = (f"**{setting.title_of(choice)}**: {meaning}" for choice, meaning in setting.meanings.items())
    return "  \n".join((setting.help[0], *lines))
