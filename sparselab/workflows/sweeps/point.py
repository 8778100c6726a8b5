"""One point of a sweep: the task whose digest names it, where its layer lies, and what a worker makes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from sparselab.analysis.metrics import report
from sparselab.core.errors import Cancelled, FileError, LimitError, SparselabError, UnavailableError
from sparselab.core.layer import Layer
from sparselab.core.settings import settings_of
from sparselab.core.version import __version__
from sparselab.formats import ReadOptions, load_layer
from sparselab.grouping import GROUPERS
from sparselab.runtime.progress import SILENT, Monitor
from sparselab.runtime.results import code_digest, task_digest
from sparselab.transforms import TRANSFORMS
from sparselab.transforms.base import Transform
from sparselab.workflows.chance import chance_of
from sparselab.workflows.layer_digest import digest_in

Task = Mapping[str, Any]


@dataclass(frozen=True)
class LayerPlace:
    """Where a layer lies: a file on a disk that whoever computes can read, and how it is read."""

    path: str
    layer: str
    options: ReadOptions


@dataclass(frozen=True)
class PlannedPoint:
    """A task, and what is needed to compute it. size: the layer's weights, kept or not. version, code: of the package that planned."""

    task: Task
    place: LayerPlace
    size: int
    version: str
    code: str

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
    return {"a point of a sweep": told, "layer": layer, **({"packages": packages} if packages else {})}


def other_packages() -> list[str]:
    """Return the packages, with their versions, that bring transforms or groupers: their code is not part of ours."""
    return sorted({registry.package(name) for registry in (TRANSFORMS, GROUPERS) for name in registry} - {""})


def found_at(
    layer: Layer, run: Transform, seed: int, *, with_chance: bool, device: str, monitor: Monitor = SILENT
) -> dict[str, Any]:
    """Return a transform's report on a layer, what random groups keep (None where that says nothing, or is not asked), and
    `repeatable`: no clock or cancel ended a search, so that another run comes to the same.
    """
    layout = run(layer, rng=np.random.default_rng(seed), device=device, monitor=monitor)
    chance = chance_of(layer, layout, run, device=device, monitor=monitor) if with_chance else None
    return {
        "report": report(layout, layer).as_json(),
        "chance": None if chance is None else chance.as_json(),
        "repeatable": not layout.is_cut_short,
    }


def this_code() -> str:
    """Return this package's version and the start of its code's digest: who asks and who computes must have them in common."""
    return f"{__version__} ({code_digest()[:12]})"


def arguments_of(point: PlannedPoint) -> tuple[Any, ...]:
    """Return the arguments of `compute`, which any executor can pickle."""
    return dict(point.task), point.place.path, point.place.layer, point.place.options, this_code()


def compute(
    task: Task, path: str, layer_name: str, options: ReadOptions, code: str, *, monitor: Monitor = SILENT
) -> dict[str, Any]:
    """Compute a task, in a worker of any executor, from the file as it lies there.

    Returns: {"result", "seconds"}, or {"error"} with the reason where the task itself says that there is none, as where a layer
        lacks the weights that the settings need.
    Raises: FileError where the file is not there or holds another layer than the plan says; LimitError where the machine is too
        small or too slow. Another machine, or another day, may do better.
    """
    if code != this_code():
        raise UnavailableError(f"expected sparselab {code}; this worker has {this_code()}: install the same one here")
    asked = task["a point of a sweep"]
    found = digest_in(path, layer_name, options)
    if found != task["layer"]:
        raise FileError(
            f"{layer_name}: expected the layer that was planned, {task['layer'][:12]}; got {found[:12]}: "
            "bring the same file here, or plan anew"
        )
    layer = replace(
        load_layer(path, layer_name, options), name="the layer", notes=()
    )  # a reason must not tell files apart
    try:
        run = _patient(asked["transform"], asked["settings"])
        answer = found_at(
            layer, run, asked["seed"], with_chance=asked["chance"], device=asked["device"], monitor=monitor
        )
    except (FileError, LimitError, UnavailableError, Cancelled):
        raise
    except SparselabError as error:
        return {"error": str(error)}
    if not answer.pop("repeatable"):
        raise LimitError("expected a search that its steps end; the clock ended it: set fewer steps")
    seconds = answer["report"].pop("seconds")
    return {"result": answer, "seconds": seconds}


def _patient(transform: str, settings: Mapping[str, Any]) -> Transform:
    """Return the transform with every bound on seconds as far away as may be: steps alone end its searches."""
    kind = TRANSFORMS[transform]
    bounds = {
        each.name: each.kind(each.high) for each in settings_of(kind) if each.stops_by_clock and each.high is not None
    }
    return kind(**{**settings, **bounds})


def reason_of(error: Exception) -> str:
    """Return in a line why a task has no result; of what is a defect of ours, the last line."""
    text = str(error).strip()
    return (
        " ".join((text if isinstance(error, SparselabError) else text.rpartition("\n")[2]).split())
        or type(error).__name__
    )
