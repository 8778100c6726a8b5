"""The first pictures of the samples, computed before anybody asks: at a server's first start, when nobody waits for anything else."""

from __future__ import annotations

from sparselab.app.inputs.explore_request import ExploreRequest
from sparselab.app.inputs.samples import available
from sparselab.app.inputs.sidebar import first_layer
from sparselab.app.inputs.source import sample_source
from sparselab.app.jobs.explore_job import public_question, stored_view
from sparselab.app.shell.address_keys import FIRST_TRANSFORM
from sparselab.app.shell.session import broker
from sparselab.core.settings import settings_of
from sparselab.runtime.broker import Job, Rank
from sparselab.transforms import TRANSFORMS

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
    """Put the first pictures that the store of public answers lacks in the queue, behind all that anybody waits for.

    Stored under everything that they depend on, this version included, so that every later start finds them.
    """
    requests = [first_request(name) for name in available()]
    lacking = [request for request in requests if stored_view(request) is None]
    return [broker().submit(public_question(request, _OWNER, Rank.AHEAD)) for request in lacking]
