"""Films of runs that kept no masks while they trained: a frame a level, from the tickets; and why there are not more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from sparselab.core.errors import SettingError
from sparselab.formats import read_ticket
from sparselab.training.methods import FILMED
from sparselab.training.runs.film.film import Film, FilmedLayer, MeasuredAt
from sparselab.training.runs.judging import judgement_of
from sparselab.training.runs.views import RunView
from sparselab.training.settings import TrainSettings
from sparselab.training.tasks import ACCURACY


def film_of_levels(view: RunView, *, layer: str | None = None) -> Film:
    """Return the masks with which a run's levels ended, of all layers or of one, with the metric on the test examples.

    Raises: FileError where a ticket is damaged; SettingError where there is no layer of that name.
    """
    ended = [entry for entry in view.stages if entry["then"] is None]
    names = [name for name in level_layers(view) if layer in (None, name)]
    if ended and not names:
        raise SettingError(f"layer: expected one of {', '.join(level_layers(view)[:8])}; got {layer!r}")
    tickets = [read_ticket(view.ticket(entry["stage"])) for entry in ended]
    layers = []
    for name in names:
        masks = [ticket.found(name).mask() for ticket in tickets]
        packed = np.stack([mask.packed for mask in masks])
        packed.flags.writeable = False
        layers.append(FilmedLayer(name=name, shape=masks[0].shape, packed=packed))
    judged = [(entry["level"], judgement_of(entry)) for entry in ended]
    settings = view.info.settings
    return Film(
        title=settings.method,
        unit="level",
        at=tuple(entry["level"] for entry in ended),
        updates=tuple(range(len(ended))),
        layers=tuple(layers),
        looks=tuple(MeasuredAt(level, found.test) for level, found in judged),
        metric=judged[0][1].metric if judged else ACCURACY.name,
        split="test",
        note=why_levels(settings),
    )


def level_layers(view: RunView) -> tuple[str, ...]:
    """Return the names of the layers whose masks the levels of a run ended with; none before the first has ended."""
    first: Mapping[str, Any] | None = next((entry for entry in view.stages if entry["then"] is None), None)
    return () if first is None else tuple(layer["name"] for layer in first["layers"])


def why_levels(settings: TrainSettings) -> str:
    """Return why the film of a run has no frames between its levels, and how to get some.

    Example: >>> why_levels(TrainSettings(method="imp"))
             'A frame is a level: the masks of imp stay as they are while a network trains.'
    """
    if settings.method not in FILMED:
        return f"A frame is a level: the masks of {settings.method} stay as they are while a network trains."
    return (
        f"The masks of {settings.method} moved while it trained, but this run kept only the last ones: "
        "start one with keep_masks at 1 (--keep-masks 1) for a frame at every update."
    )
