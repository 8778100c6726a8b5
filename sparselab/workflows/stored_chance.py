"""What random groups keep, drawn once and not again: `chance_row` with a store."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from sparselab.formats import ReadOptions
from sparselab.runtime.progress import SILENT, Monitor
from sparselab.runtime.results import ResultStore
from sparselab.workflows.chance import chance_row
from sparselab.workflows.tasks import identity_of


def stored_chance_row(
    path: str,
    layer_name: str,
    transform: str,
    settings: Mapping[str, Any],
    options: ReadOptions,
    store: str,
    device: str = "auto",
    *,
    monitor: Monitor = SILENT,
) -> dict[str, float | int]:
    """Return what `chance_row` does, from the store in the folder `store` where it holds it."""
    kept = ResultStore(Path(store))
    asked = partial(_task, path, layer_name, transform, settings, options, device)
    task = asked()
    found = None if task is None else kept.get(task)
    if found is not None:
        return dict(found)
    answer = chance_row(path, layer_name, transform, settings, options, device, monitor=monitor)
    if task is not None and task == asked():  # else the file was changed while it was read
        kept.put(task, answer)
    return answer


def found_chance(
    path: str,
    layer_name: str,
    transform: str,
    settings: Mapping[str, Any],
    options: ReadOptions,
    store: str,
    device: str = "auto",
) -> dict[str, float | int] | None:
    """Return what `stored_chance_row` would, where the store holds it; computes nothing, and needs no worker."""
    task = _task(path, layer_name, transform, settings, options, device)
    found = None if task is None else ResultStore(Path(store)).get(task)
    return None if found is None else dict(found)


def _task(
    path: str, layer_name: str, transform: str, settings: Mapping[str, Any], options: ReadOptions, device: str
) -> dict[str, Any] | None:
    where = identity_of(path, options)
    if where is None:
        return None
    return {"chance": [layer_name, transform, dict(settings), device], **where}
