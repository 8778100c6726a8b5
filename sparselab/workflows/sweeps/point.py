"""One point of a sweep: the task whose digest names it, and where lies what it needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np

from sparselab.analysis.metrics import report
from sparselab.core.errors import SparselabError
from sparselab.core.layer import Layer
from sparselab.core.settings import settings_of
from sparselab.core.version import __version__
from sparselab.formats import ReadOptions
from sparselab.runtime.progress import SILENT, Monitor
from sparselab.runtime.results import code_digest, task_digest
from sparselab.transforms import TRANSFORMS
from sparselab.transforms.base import Transform
from sparselab.workflows.chance import chance_of
from sparselab.workflows.tasks import other_packages

Task = Mapping[str, Any]

POINT = "a point of a sweep"
"""The key by which a task of a transform is known."""


@dataclass(frozen=True)
class LayerPlace:
    """Where a layer lies: a file on a disk that whoever computes can read, and how it is read."""

    path: str
    layer: str
    options: ReadOptions


@dataclass(frozen=True)
class DataPlace:
    """Where the files of a training's task lie; None for a task that needs none."""

    folder: str | None


Place = LayerPlace | DataPlace


@dataclass(frozen=True)
class PlannedPoint:
    """A task, and what is needed to compute it. size: the layer's weights, kept or not. version, code: of the package that planned.

    workplace: a folder of its own, where what was begun is kept; "" for tasks that begin anew.
    """

    task: Task
    place: Place
    size: int
    version: str
    code: str
    workplace: str = ""

    @cached_property
    def digest(self) -> str:
        return task_digest(self.task, version=self.version, code=self.code)


def timeless_settings(transform: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return all settings of a transform but the bounds on seconds: what a clock cut short is no result of anybody's.

    Raises: SettingError for settings that it does not take.
    """
    kind = TRANSFORMS[transform]
    whole = asdict(kind(**settings))
    return {each.name: whole[each.name] for each in settings_of(kind) if not each.stops_by_clock}


def task_of(
    layer: str, transform: str, settings: Mapping[str, Any], seed: int, *, with_chance: bool, device: str
) -> dict[str, Any]:
    """Return the task of one point: all that its result depends on, beside this package's version and code.

    layer: the digest of its content, so that no path and no name of a file is part of it. settings: its `timeless_settings`. What
    other packages bring is named with their versions.
    """
    told = {"transform": transform, "settings": dict(settings), "seed": seed, "chance": with_chance, "device": device}
    packages = other_packages()
    return {POINT: told, "layer": layer, **({"packages": packages} if packages else {})}


def found_at(
    layer: Layer, run: Transform, seed: int, *, with_chance: bool, device: str, monitor: Monitor = SILENT
) -> dict[str, Any]:
    """Return a transform's report on a layer, its layout, what random groups keep (None where that says nothing, or is not asked),
    and `repeatable`: no clock or cancel ended a search, so that another run comes to the same.
    """
    layout = run(layer, rng=np.random.default_rng(seed), device=device, monitor=monitor)
    chance = chance_of(layer, layout, run, device=device, monitor=monitor) if with_chance else None
    return {
        "report": report(layout, layer).as_json(),
        "layout": layout,
        "chance": None if chance is None else chance.as_json(),
        "repeatable": not layout.is_cut_short,
    }


def this_code() -> str:
    """Return this package's version and the start of its code's digest: who asks and who computes must have them in common."""
    return f"{__version__} ({code_digest()[:12]})"


def reason_of(error: Exception) -> str:
    """Return in a line why a task has no result; of what is a defect of ours, the last line."""
    text = str(error).strip()
    return (
        " ".join((text if isinstance(error, SparselabError) else text.rpartition("\n")[2]).split())
        or type(error).__name__
    )
