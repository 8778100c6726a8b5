"""The first pictures of the samples, with what random groups keep of them, computed before anybody asks: at a server's first start, when nobody waits for anything else."""

from __future__ import annotations

from sparselab.app.inputs.explore_request import ExploreRequest
from sparselab.app.inputs.samples import FIRST, available
from sparselab.app.inputs.sidebar import first_layer
from sparselab.app.inputs.source import sample_source
from sparselab.app.jobs.chance_job import public_chance, stored_chance
from sparselab.app.jobs.explore_job import public_question, stored_view
from sparselab.app.shell.address_keys import FIRST_TRANSFORM
from sparselab.app.shell.session import broker
from sparselab.core.settings import settings_of
from sparselab.runtime.broker import Job, Rank, Request
from sparselab.transforms import TRANSFORMS
from sparselab.workflows.explore import View

_OWNER = "ready views"


def first_request(sample: str) -> ExploreRequest:
    """Return what Explore asks of a sample at the first visit, no picker or knob touched."""
    source = sample_source(sample)
    layer = first_layer(source.card)
    settings = settings_of(TRANSFORMS[FIRST_TRANSFORM])
    values = {each.name: each.default for each in settings}
    return ExploreRequest(
        source, layer, FIRST_TRANSFORM, {each.name: each.default for each in settings if each.counts(values)}, seed=0
    )


def make_views_ready() -> list[Job]:
    """Make the first pictures that the store of public answers lacks, and what random groups keep of them; return the jobs, done.

    The sample on which the app opens comes first; each waits behind all that anybody waits for. Stored under everything that they
    depend on, this version included, so that every later start finds them.
    """
    jobs: list[Job] = []

    def made(question: Request) -> None:
        jobs.append(broker().submit(question))
        jobs[-1].wait()

    for sample in sorted(available(), key=lambda name: name != FIRST):
        request = first_request(sample)
        if stored_view(request) is None:
            made(public_question(request, _OWNER, Rank.AHEAD))
        if (packed := stored_view(request)) is None:  # it failed: who comes is told why
            continue
        view = View.unpack(packed)
        question = public_chance(request, view, _OWNER, Rank.AHEAD)
        if question is not None and stored_chance(request, view) is None:
            made(question)
    return jobs
