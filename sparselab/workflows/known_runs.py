"""Runs of a transform on a layer that were computed once: what one page, command or sweep computed, no other computes again.

A run is known twice, under the digest of what the layer holds: by its report, under the very task of a sweep's point, and by its
layout where that is small. A clock ended none of them, so that bounds on seconds are no part of the key.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sparselab.analysis.metrics import Report, report
from sparselab.core.errors import SparselabError
from sparselab.core.layer import Layer
from sparselab.core.layout import Layout
from sparselab.formats import ReadOptions
from sparselab.runtime.progress import SILENT, Monitor
from sparselab.runtime.results import ResultStore
from sparselab.transforms.base import Transform
from sparselab.workflows.layer_digest import digest_in
from sparselab.workflows.sweeps.point import POINT, task_of, timeless_settings
from sparselab.workflows.tasks import other_packages, without_seconds

_MOST_WEIGHTS = 2**24
"""Of a layer whose layouts are kept: beyond, they would soon push everything else out of the store."""


class KnownRuns:
    """The runs of a layer that are known already: of this class none, so that all are computed."""

    def layout(
        self, name: str, run: Transform, layer: Layer, *, seed: int, device: str = "auto", monitor: Monitor = SILENT
    ) -> tuple[Layout, Report]:
        """Return what `run`, the transform called `name`, makes of the layer, and its report; those known have no seconds."""
        layout = run(layer, rng=np.random.default_rng(seed), device=device, monitor=monitor)
        return layout, report(layout, layer)

    def numbers(
        self, name: str, run: Transform, layer: Layer, *, seed: int, device: str = "auto", monitor: Monitor = SILENT
    ) -> tuple[Report, bool]:
        """Return the report of `layout` alone, and whether another run must come to the same."""
        layout, numbers = self.layout(name, run, layer, seed=seed, device=device, monitor=monitor)
        return numbers, not layout.is_cut_short


NOTHING_KNOWN = KnownRuns()
"""For whoever has no store."""


@dataclass(frozen=True)
class StoredRuns(KnownRuns):
    """The runs that a store holds of one layer of a file. Where that cannot be told, nothing is found and nothing kept."""

    store: ResultStore
    path: str
    layer: str
    options: ReadOptions

    def layout(
        self, name: str, run: Transform, layer: Layer, *, seed: int, device: str = "auto", monitor: Monitor = SILENT
    ) -> tuple[Layout, Report]:
        """See `KnownRuns.layout`."""
        task = self._task(name, run, seed, device)
        found = None if task is None else self.store.get(layout_task(task))
        if found is not None:
            layout = Layout.unpack(found["layout"])
            if layout.before == layer.mask:
                return layout, Report(**found["report"])
        layout, numbers = super().layout(name, run, layer, seed=seed, device=device, monitor=monitor)
        if task is not None and not layout.is_cut_short and task == self._task(name, run, seed, device):
            keep_run(self.store, task, {"report": numbers.as_json(), "chance": None}, layout.pack())
        return layout, numbers

    def numbers(
        self, name: str, run: Transform, layer: Layer, *, seed: int, device: str = "auto", monitor: Monitor = SILENT
    ) -> tuple[Report, bool]:
        """See `KnownRuns.numbers`."""
        task = self._task(name, run, seed, device)
        found = None if task is None else found_point(self.store, task)
        if found is not None:
            return Report(**found["report"]), True
        return super().numbers(name, run, layer, seed=seed, device=device, monitor=monitor)

    def _task(self, name: str, run: Transform, seed: int, device: str) -> dict[str, Any] | None:
        if other_packages():  # whose code nobody knows
            return None
        try:
            digest = digest_in(self.path, self.layer, self.options)
        except SparselabError:  # said better by those who compute
            return None
        return task_of(digest, name, timeless_settings(name, asdict(run)), seed, with_chance=False, device=device)


def known_runs(store: str, path: str, layer: str, options: ReadOptions) -> StoredRuns:
    """Return the runs that the store in the folder `store` holds of a layer."""
    return StoredRuns(ResultStore(Path(store)), path, layer, options)


def layout_task(task: Mapping[str, Any]) -> dict[str, Any]:
    """Return the task under which the layout of a sweep's point is kept."""
    asked = {key: value for key, value in task[POINT].items() if key != "chance"}
    return {"the layout of a point": asked, "layer": task["layer"]}


def found_point(store: ResultStore, task: Mapping[str, Any]) -> Any | None:
    """Return the answer to a point's task where the store holds it, also where chance was drawn beside it and is not asked."""
    found = store.get(task)
    asked = task[POINT]
    if found is None and not asked["chance"]:
        found = store.get({**task, POINT: {**asked, "chance": True}})
    return None if found is None else {**found, "chance": found["chance"] if asked["chance"] else None}


def keep_run(
    store: ResultStore, task: Mapping[str, Any], result: Mapping[str, Any], layout: Mapping[str, Any] | None
) -> None:
    """Keep what a run came to: report and chance under the point's task, and the layout where it is told and small."""
    told = {**result, "report": {**result["report"], "seconds": {}}}
    store.put(task, {**told, "repeatable": True})
    if layout is not None and math.prod(layout["shape"]) <= _MOST_WEIGHTS:
        store.put(layout_task(task), without_seconds({"report": told["report"], "layout": dict(layout)}))
