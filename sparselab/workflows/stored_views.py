"""A view of Explore that was computed once and is not computed again: `explore` with a store."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from sparselab.core.layout import Layout
from sparselab.formats import ReadOptions
from sparselab.runtime.progress import SILENT, Monitor
from sparselab.runtime.results import ResultStore
from sparselab.workflows.explore import explore
from sparselab.workflows.tasks import identity_of, without_seconds


def stored_explore(
    path: str,
    layer_name: str,
    transform: str,
    settings: Mapping[str, Any],
    seed: int,
    options: ReadOptions,
    store: str,
    device: str = "auto",
    *,
    monitor: Monitor = SILENT,
) -> dict[str, Any]:
    """Return what `explore` does, from the store in the folder `store` where it holds it; then without the seconds.

    An answer that a clock or a cancel cut short is not kept: another run may come to a better one.
    """
    kept = ResultStore(Path(store))
    asked = partial(_task, path, layer_name, transform, settings, seed, options, device)
    task = asked()
    found = None if task is None else kept.get(task)
    if found is not None:
        return dict(found)
    answer = explore(path, layer_name, transform, settings, seed, options, device, monitor=monitor)
    if task is not None and task == asked() and not Layout.unpack(answer["layout"]).is_cut_short:
        kept.put(task, without_seconds(answer))
    return answer


def _task(
    path: str,
    layer_name: str,
    transform: str,
    settings: Mapping[str, Any],
    seed: int,
    options: ReadOptions,
    device: str,
) -> dict[str, Any] | None:
    where = identity_of(path, options)
    if where is None:
        return None
    asked = {"layer": layer_name, "transform": transform, "settings": dict(settings), "seed": seed, "device": device}
    return {"a view": asked, **where}
