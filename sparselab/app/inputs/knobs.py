"""The knobs of a transform, in the address under their settings' names: the usual ones, and the others under *More*."""

from __future__ import annotations

from typing import Any

import streamlit as st

from sparselab.app.inputs.setting_widget import setting_widgets
from sparselab.app.shell.address import knob_slots
from sparselab.app.shell.visit import chosen, forget, page_now
from sparselab.core.settings import settings_of


def knobs(kind: type) -> dict[str, Any]:
    """Show a widget for every setting that counts; return the values to make the transform with.

    Their defaults are those of the library and the command line, on every layer.
    """
    settings = settings_of(kind)
    front = [each for each in settings if each.in_front] or settings
    shown = setting_widgets(front, all_settings=settings, linked=True, sliders=True)
    rest = [each for each in settings if each not in front]
    if rest:
        values = {each.name: chosen(each.name, each.default) for each in settings}
        changed = sum(each.counts(values) and values[each.name] != each.default for each in rest)
        with st.expander("More" + f" ({changed} changed)" * bool(changed), key="_more"):
            shown |= setting_widgets(rest, all_settings=settings, linked=True, sliders=True)
    return shown


def reset_knobs() -> None:
    """Callback: put every knob of every transform back to its default."""
    forget(knob_slots(page_now()))
