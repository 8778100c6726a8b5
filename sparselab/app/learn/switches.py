"""The switch of language, and the controls that a step leaves."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import streamlit as st

from sparselab.app.inputs.samples import SAMPLES, available
from sparselab.app.inputs.setting_widget import setting_widget
from sparselab.app.shell.address import fixed_keys
from sparselab.app.shell.url_state import linked_segments, linked_select
from sparselab.app.shell.visit import choose, chosen, say
from sparselab.core.settings import Setting, settings_of
from sparselab.lessons.lesson import ENGLISH, LANGUAGES
from sparselab.lessons.phrases import GLOSS
from sparselab.lessons.views.base import LessonView
from sparselab.lessons.views.layers import layer_names
from sparselab.lessons.views.mask import ORDERS
from sparselab.transforms import TRANSFORMS


def choose_language() -> None:
    """Show the switch of language."""
    linked_segments("Language", LANGUAGES, "language", default=ENGLISH, shows_label=False)


def turned(view: LessonView, names: tuple[str, ...], language: str) -> LessonView:
    """Show the controls called `names`; return the view as they stand, also where one that the address turns is not shown."""
    transform = getattr(view, "transform", "")
    if transform and chosen("transform", "") != transform:
        choose({"transform": transform})  # it says what the knobs in the address are
    if names:
        with st.container(horizontal=True, vertical_alignment="bottom", key="_lesson_controls"):
            for name in names:  # one after another: knobs share a field of the view
                view = replace(view, **_control(name, view, language))  # type: ignore[type-var]
    return view


def _control(name: str, view: LessonView, language: str) -> dict[str, Any]:
    """Show one control; return the fields of the view that it changes."""
    if name == "sample":
        return _sample(view, language)
    if name == "order":
        own = view.order  # type: ignore[attr-defined]
        return {
            "order": linked_select(
                _label("Rows", name, language), list(ORDERS), "order", default=own, label_of=ORDERS.__getitem__
            )
        }
    if name in type(view).__dataclass_fields__:  # type: ignore[attr-defined]
        setting = replace(fixed_keys("learn")[name].setting, default=getattr(view, name), optional=False)
        if name in view.limits:
            low, high = view.limits[name]
            setting = replace(setting, low=low, high=high)
            if not low <= (told := chosen(name, setting.default)) <= high:
                say(f"{name}: expected {low:g} to {high:g}; got {told:g}; the step's own is shown")
                choose({name: None})
        return {name: _widget(setting, language)}
    settings = {each.name: each for each in settings_of(TRANSFORMS[view.transform])}  # type: ignore[attr-defined]
    now = {each.name: each.default for each in settings.values()} | dict(view.settings)  # type: ignore[attr-defined]
    if not settings[name].counts(now):
        return {}
    value = _widget(replace(settings[name], default=now[name]), language)
    return {"settings": {**view.settings, name: value}}  # type: ignore[attr-defined]


def _widget(setting: Setting, language: str) -> Any:
    setting = replace(setting, shown_as=_label(setting.label, setting.name, language))
    return setting_widget(setting, key=setting.name, linked=True, sliders=True, width=260)


def _sample(view: LessonView, language: str) -> dict[str, Any]:
    own: str = view.sample  # type: ignore[attr-defined]
    found = linked_select(
        _label("Sample", "sample", language),
        [name for name in SAMPLES if name in available()],
        "sample",
        default=own,
        label_of=lambda name: SAMPLES[name][0],
    )
    layers = layer_names(found)
    layer: str = view.layer  # type: ignore[attr-defined]
    return {"sample": found, "layer": layer if layer in layers else layers[-1]}


def _label(label: str, name: str, language: str) -> str:
    """Return a control's name, in Chinese with its gloss behind it."""
    return f"{label} · {GLOSS[name]}" if language == "zh" and name in GLOSS else label
