"""The layers as they are in the file: read in a worker, some at a time, before anything was run."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sparselab.app.inputs.source import Source
from sparselab.app.model.results import Rows, by_layer
from sparselab.app.shell.session import session
from sparselab.runtime.broker import Call
from sparselab.workflows.layer_cards import first_looks

_LOOK_SECONDS = 0.2
_MOST_WEIGHTS, _MOST_LAYERS = 2**23, 64
"""Of one call: it answers within a second or so."""


def looks_of(source: Source) -> Rows:
    """Return what is known by now; the first call asks for it."""
    jobs = session().looks
    layers = source.card["layers"]
    key = json.dumps(["looks", source.path, asdict(source.options), [x["digest"] for x in layers], source.stamp])
    parts = list(parts_of(layers))
    calls: list[Call] = [(first_looks, (source.path, part, source.options)) for part in parts]
    jobs.start(key, calls)
    jobs.collect()
    return by_layer(parts, jobs)


def follow_looks(source: Source, show: Callable[[Rows], None]) -> None:
    """Show what comes until all is there; a click ends the wait, not the work. Last on the page: all else is drawn before."""
    jobs, shown = session().looks, -1
    while jobs.is_busy or len(jobs.results) > shown:
        if len(jobs.results) > shown:
            shown = len(jobs.results)
            show(looks_of(source))
        if jobs.is_busy:
            time.sleep(_LOOK_SECONDS)
            jobs.collect()


def parts_of(layers: Sequence[Mapping[str, Any]]) -> Iterable[tuple[str, ...]]:
    """Yield the names of layers, as many as one call reads within a second or so. layers: as the file's card shows them."""
    part: list[str] = []
    weights = 0
    for layer in layers:
        size = layer["shape"][0] * layer["shape"][1]
        if part and (weights + size > _MOST_WEIGHTS or len(part) == _MOST_LAYERS):
            yield tuple(part)
            part, weights = [], 0
        part.append(layer["name"])
        weights += size
    if part:
        yield tuple(part)
