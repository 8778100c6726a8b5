"""What random groups keep, asked for when the picture is there: a question of its own, for which no picture waits."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import streamlit as st

from sparselab.app.inputs.explore_request import ExploreRequest
from sparselab.app.shell.escape import literal
from sparselab.app.shell.faults import fault_text
from sparselab.app.shell.session import session
from sparselab.core.errors import SparselabError
from sparselab.runtime.broker import Call, Job, Rank, Request
from sparselab.runtime.worker import WorkerError
from sparselab.transforms import TRANSFORMS
from sparselab.workflows.chance import Chance, chance_row, random_rival
from sparselab.workflows.explore import View
from sparselab.workflows.stored_chance import found_chance, stored_chance_row
from sparselab.workflows.tasks import results_folder

_LOOK_SECONDS = 0.1


@dataclass(frozen=True)
class Failed:
    """The draws ended without an answer, and why."""

    error: Exception


ChanceFound = Chance | Job | Failed | None
"""What random groups keep, or the job that draws them, or why there is no answer; None where the question says nothing."""


def chance_of_view(request: ExploreRequest, view: View) -> ChanceFound:
    """Return what random groups keep where the view was made, at once where it is known, or the job that draws them."""
    asked = _asked(request, view)
    if asked is None:
        return None
    key, own = _key(request, asked), session()
    found: Chance | None = request.source.memory.get(key)
    if found is not None:
        return found
    if (told := stored_chance(request, view)) is not None:
        return _remembered(request, key, told)
    if request.source.is_public:
        question = public_chance(request, view, own.name)
        assert question is not None
    else:
        question = Request(owner=own.name, call=(chance_row, asked))
    job = own.chance.ask(key, question)
    if not job.done:
        return job
    try:
        return _remembered(request, key, job.result())
    except (SparselabError, WorkerError) as error:  # the picture stands without it
        return Failed(error)


def wait_for_chance(job: Job, request: ExploreRequest, view: View, look: Callable[[], object]) -> ChanceFound:
    """Wait for the answer; `look` is called again and again, where Streamlit sees whether a click has superseded this run."""
    while not job.wait(_LOOK_SECONDS):
        look()
    return chance_of_view(request, view)


def say_failed(failed: Failed) -> None:
    """Say in one line why it is not known what random groups keep, and offer to draw them again."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(f"What random groups keep is not known: {literal(fault_text(failed.error))}.", width="content")
        st.button("Try again", on_click=session().chance.forget, key="_chance_again", width="content")


def stored_chance(request: ExploreRequest, view: View) -> dict[str, Any] | None:
    """Return what is on disk of a sample; None where nothing is, or the file is a visitor's."""
    asked = _asked(request, view)
    if asked is None or not request.source.is_public:
        return None
    told = (*asked, str(results_folder()))
    return found_chance(*told)


def public_chance(request: ExploreRequest, view: View, owner: str, rank: Rank = Rank.INTERACTIVE) -> Request | None:
    """Return the question about a sample: drawn once for all who ask, and kept on disk for those who come later; None as `ChanceFound`."""
    asked = _asked(request, view)
    if asked is None:
        return None
    call: Call = (stored_chance_row, (*asked, str(results_folder())))
    return Request(owner=owner, call=call, key=_key(request, asked), rank=rank)


def _asked(request: ExploreRequest, view: View) -> tuple[Any, ...] | None:
    random = random_rival(TRANSFORMS[request.transform](**request.settings), view.layout)
    if random is None:
        return None
    return request.source.path, request.layer, request.transform, asdict(random), request.source.options


def _key(request: ExploreRequest, asked: tuple[Any, ...]) -> str:
    path, layer, _, settings, options = asked
    return json.dumps(["chance", path, asdict(options), layer, request.digest, settings], sort_keys=True)


def _remembered(request: ExploreRequest, key: str, told: dict[str, Any]) -> Chance:
    chance: Chance = request.source.memory.remembered(key, lambda: Chance(**told))
    return chance
