"""What random groups keep, asked for when the picture is there: a question of its own, for which no picture waits."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict

from sparselab.app.inputs.explore_request import ExploreRequest
from sparselab.app.shell.session import session
from sparselab.core.errors import SparselabError
from sparselab.runtime.broker import Call, Job, Request
from sparselab.runtime.worker import WorkerError
from sparselab.transforms import TRANSFORMS
from sparselab.workflows.chance import Chance, chance_row, random_rival
from sparselab.workflows.explore import View
from sparselab.workflows.stored_chance import stored_chance_row
from sparselab.workflows.tasks import results_folder

_LOOK_SECONDS = 0.1


def chance_of_view(request: ExploreRequest, view: View) -> Chance | Job | None:
    """Return what random groups keep where the view was made, or the job that draws them; None where that says nothing."""
    run = TRANSFORMS[request.transform](**request.settings)
    random = random_rival(run, view.layout)
    if random is None:
        return None
    source, settings = request.source, asdict(random)
    key = json.dumps(
        ["chance", source.path, asdict(source.options), request.layer, request.digest, settings], sort_keys=True
    )
    found: Chance | None = source.memory.get(key)
    if found is not None:
        return found
    asked = (source.path, request.layer, request.transform, settings, source.options)
    call: Call = (stored_chance_row, (*asked, str(results_folder()))) if source.is_public else (chance_row, asked)
    own = session()
    job = own.chance.ask(key, Request(owner=own.name, call=call, key=key if source.is_public else ""))
    return _answer(job, key, request) if job.done else job


def wait_for_chance(job: Job, request: ExploreRequest, view: View, look: Callable[[], object]) -> Chance | None:
    """Wait for the answer; `look` is called again and again, where Streamlit sees whether a click has superseded this run."""
    while not job.wait(_LOOK_SECONDS):
        look()
    found = chance_of_view(request, view)
    return found if isinstance(found, Chance) else None


def _answer(job: Job, key: str, request: ExploreRequest) -> Chance | None:
    try:
        told = job.result()
    except (SparselabError, WorkerError):  # the picture stands without it
        return None
    chance: Chance = request.source.memory.remembered(key, lambda: Chance(**told))
    return chance
