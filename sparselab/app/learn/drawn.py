"""How each kind of view is shown on the page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import streamlit as st

from sparselab.app.film_view import film_view
from sparselab.app.inputs.source import sample_source
from sparselab.app.learn.picture import show_picture
from sparselab.app.learn.work import drawing_now, facts_now, layout_now, mask_now
from sparselab.app.mask_view import mask_view
from sparselab.app.motion_view import motion_view
from sparselab.app.shell.open_in import open_in, open_in_explore
from sparselab.app.toy_view import toy_view
from sparselab.display.message import view_message
from sparselab.display.motion_message import motion_message, why_still
from sparselab.lessons.phrases import phrase
from sparselab.lessons.views.base import LessonView
from sparselab.lessons.views.film import FilmOfRun
from sparselab.lessons.views.latency import LatencyView
from sparselab.lessons.views.mask import MaskView
from sparselab.lessons.views.motion import MotionView
from sparselab.lessons.views.toy import ToyView
from sparselab.lessons.words import Facts

HEIGHT = 220
"""CSS pixels of a picture: on a projector of 720 the text and the question stand beside it."""


@dataclass
class Scene:
    """What is shown of a step. ready: facts computed ahead. alt: what the picture means. covered: the answer is kept back."""

    view: LessonView
    ready: Mapping[str, Facts]
    alt: str
    language: str
    covered: bool
    key: str


def show_view(scene: Scene) -> None:
    """Show the view of a step, as its kind does. Raises: SparselabError, WorkerError."""
    DRAWN[scene.view.kind](scene)


def _svg(scene: Scene) -> None:
    picture = drawing_now(scene.view, scene.alt, scene.language, covered=scene.covered)
    if picture:
        show_picture(picture, key=f"{scene.key}_picture")


def _curves(scene: Scene) -> None:
    _svg(scene)
    if not scene.covered:
        st.caption("  \n".join(scene.view.readings(scene.language)))


def _toy(scene: Scene) -> None:
    assert isinstance(scene.view, ToyView)
    if scene.covered and scene.view.mode == "count":  # every count of it is an answer
        _svg(scene)
    else:
        toy_view(scene.view.toy, key=scene.key, covered=scene.covered)


def _film(scene: Scene) -> None:
    assert isinstance(scene.view, FilmOfRun)
    if scene.covered:
        _svg(scene)
    else:
        film_view(scene.view.read, key=scene.key, height=HEIGHT)


def _latency(scene: Scene) -> None:
    assert isinstance(scene.view, LatencyView)
    _svg(scene)
    if not scene.covered and st.button(
        phrase("Measure it here", scene.language), key="_measure_here", icon=":material/timer:"
    ):
        view = scene.view
        open_in("latency", sample_source(view.sample), view.layer, view.transform, view.settings)


def _mask(scene: Scene) -> None:
    view = scene.view
    assert isinstance(view, MaskView)
    _svg(scene)
    if scene.covered or not view.transform:
        return
    _numbers(facts_now(view, scene.ready), scene.language)
    if st.button(phrase("Every weight, in Explore", scene.language), key="_in_explore", icon=":material/grid_on:"):
        open_in_explore(sample_source(view.sample), view.layer, view.transform, view.settings, view.seed)


def _motion(scene: Scene) -> None:
    view = scene.view
    assert isinstance(view, MotionView)
    if scene.covered:
        mask_view(view_message(view.layer, mask_now(view)), key=f"{scene.key}_still", height=HEIGHT)
        return
    made = layout_now(view)
    if still := why_still(made.layout):
        st.info(still)
    else:
        motion_view(motion_message(view.layer, made.layout), key=scene.key, height=HEIGHT)
    _numbers(made.facts, scene.language)


def _numbers(facts: Facts, language: str) -> None:
    """Say under the picture what is counted of it, also where knobs were turned."""
    named = {name: phrase(text, language) for name, text in _COUNTED.items() if isinstance(facts.get(name), float)}
    st.caption(" · ".join(f"{text}: **{100 * float(facts[name]):.1f} %**" for name, text in named.items()))


_COUNTED: Mapping[str, str] = MappingProxyType(
    {
        "weights_kept": "weights kept",
        "energy": "energy kept",
        "chance": "random groups",
        "density_after": "density",
    }
)


DRAWN: Mapping[str, Callable[[Scene], None]] = MappingProxyType(
    {
        "text": lambda _scene: None,
        "toy": _toy,
        "mask": _mask,
        "similarity": _svg,
        "blind": _svg,
        "motion": _motion,
        "latency": _latency,
        "curves": _curves,
        "film": _film,
    }
)
"""What shows each kind of `lessons.views`."""
