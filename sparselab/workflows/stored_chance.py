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
from sparselab.workflows.tasks import found_in, question, stored


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
    told = path, layer_name, transform, settings, options, device
    found: Mapping[str, float | int] = stored(
        ResultStore(Path(store)),
        partial(_task, *told),
        lambda: chance_row(*told, monitor=monitor),
        is_repeatable=lambda _answer: True,
        lasting=dict,
    )
    return dict(found)


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
    return found_in(store, _task(path, layer_name, transform, settings, options, device))


def _task(
    path: str, layer_name: str, transform: str, settings: Mapping[str, Any], options: ReadOptions, device: str
) -> dict[str, Any] | None:
    return question("chance", path, options, transform, settings, layer=layer_name, device=device)
