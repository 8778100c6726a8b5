"""How each kind of view is shown on the page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import streamlit as st

from sparselab.app.film_view import film_view
from sparselab.app.inputs.explore_request import ExploreRequest
from sparselab.app.inputs.samples import sample_path
from sparselab.app.inputs.source import sample_source
from sparselab.app.jobs.chance_job import chance_of_view, wait_for_chance
from sparselab.app.jobs.explore_job import view_of, watch
from sparselab.app.learn.picture import show_picture
from sparselab.app.learn.work import drawing_now
from sparselab.app.mask_view import mask_view
from sparselab.app.motion_view import motion_view
from sparselab.app.shell.open_in import open_in
from sparselab.app.shell.session import public_memory
from sparselab.app.toy_view import toy_view
from sparselab.core.mask import Mask
from sparselab.core.settings import settings_of
from sparselab.display.message import view_message
from sparselab.display.motion_message import motion_message, why_still
from sparselab.formats import ReadOptions, read_ticket
from sparselab.lessons.phrases import phrase
from sparselab.lessons.views.base import LessonView
from sparselab.lessons.views.film import FilmOfRun
from sparselab.lessons.views.latency import LatencyView
from sparselab.lessons.views.mask import MaskView
from sparselab.lessons.views.motion import MotionView
from sparselab.lessons.views.toy import ToyView
from sparselab.runtime.broker import Job
from sparselab.transforms import TRANSFORMS
from sparselab.workflows.chance import Chance
from sparselab.workflows.explore import View

HEIGHT = 300
"""CSS pixels of a picture: on a projector of 720 the text and the question stand beside it."""


@dataclass
class Scene:
    """What is shown of a step. alt: what the picture means. covered: the answer is kept back. last: what waits until all else is there."""

    view: LessonView
    alt: str
    language: str
    covered: bool
    key: str
    last: list[Callable[[], None]] = field(default_factory=list)


def show_view(scene: Scene) -> None:
    """Show the view of a step, as its kind does. Raises: SparselabError, WorkerError."""
    DRAWN[scene.view.kind](scene)


def _svg(scene: Scene) -> None:
    picture = drawing_now(scene.view, scene.alt, scene.language, covered=scene.covered)
    if picture:
        show_picture(picture, key=f"{scene.key}_picture")


def _toy(scene: Scene) -> None:
    assert isinstance(scene.view, ToyView)
    if scene.covered:
        _svg(scene)
    else:
        toy_view(scene.view.toy, key=scene.key)


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
    request, found = (None, None) if scene.covered or not view.transform else _asked(scene, view)
    before = _mask_before(view) if found is None else found.layout.before
    pending = "" if request is None else "not computed yet"
    payload = view_message(
        view.layer, before, None if found is None else found.layout, order=view.order, pending=pending
    )
    mask_view(payload, key=scene.key, height=HEIGHT)
    if found is not None and request is not None:
        _numbers(scene, request, found)


def _motion(scene: Scene) -> None:
    view = scene.view
    assert isinstance(view, MotionView)
    _, found = (None, None) if scene.covered else _asked(scene, view)
    if found is None:
        mask_view(view_message(view.layer, _mask_before(view)), key=f"{scene.key}_still", height=HEIGHT)
    elif still := why_still(found.layout):
        st.info(still)
    else:
        motion_view(motion_message(view.layer, found.layout), key=scene.key, height=HEIGHT)


def _asked(scene: Scene, view: MaskView | MotionView) -> tuple[ExploreRequest, View | None]:
    """Ask for what Explore would show of the same: computed once for all visitors, and stored."""
    settings = settings_of(TRANSFORMS[view.transform])
    values = {each.name: each.default for each in settings} | dict(view.settings)
    counted = {each.name: values[each.name] for each in settings if each.counts(values)}
    request = ExploreRequest(sample_source(view.sample), view.layer, view.transform, counted, view.seed)
    place = st.container()
    answer = view_of(request, place)
    if isinstance(answer, Job):
        scene.last.append(lambda: watch(answer, place))
        return request, None
    return request, answer


def _numbers(scene: Scene, request: ExploreRequest, view: View) -> None:
    """Say under the picture what is counted of it, also where knobs were turned."""
    slot, kept = st.empty(), view.report["coverage"]

    def say(chance: object) -> None:
        parts = [] if kept is None else [f"{phrase('weights kept', scene.language)}: **{100 * kept:.1f} %**"]
        parts.append(f"{phrase('density', scene.language)}: {100 * view.report['density_after']:.1f} %")
        if isinstance(chance, Chance):
            energy = view.report["energy"]
            if energy is not None:
                parts.append(f"{phrase('energy kept', scene.language)}: **{100 * energy:.1f} %**")
            parts.append(f"{phrase('random groups', scene.language)}: {100 * chance.mean:.1f} %")
        slot.caption(" · ".join(parts))

    found = chance_of_view(request, view)
    say(found)
    if isinstance(found, Job):
        scene.last.append(lambda: say(wait_for_chance(found, request, view, look=st.empty().empty)))


def _mask_before(view: MaskView | MotionView) -> Mask:
    path = str(sample_path(view.sample))
    found: Mask = public_memory().remembered(
        f"lesson mask|{path}|{view.layer}", lambda: read_ticket(path, ReadOptions()).found(view.layer).mask()
    )
    return found


DRAWN: Mapping[str, Callable[[Scene], None]] = MappingProxyType(
    {
        "text": lambda _scene: None,
        "toy": _toy,
        "mask": _mask,
        "similarity": _svg,
        "blind": _svg,
        "motion": _motion,
        "latency": _latency,
        "curves": _svg,
        "film": _film,
    }
)
"""What shows each kind of `lessons.views`."""
