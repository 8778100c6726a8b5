"""Points of a sweep that were computed once and are not computed again: `sweep_row` with a store."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from sparselab.formats import ReadOptions
from sparselab.runtime.progress import SILENT, Monitor
from sparselab.runtime.results import ResultStore
from sparselab.workflows.sweep import sweep_row
from sparselab.workflows.tasks import question, stored, without_seconds


def stored_sweep_row(
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
    """Return what `sweep_row` does, from the store in the folder `store` where it holds it; then without the seconds."""
    told = path, layer_name, transform, settings, seed, options, device
    found: Mapping[str, Any] = stored(
        ResultStore(Path(store)),
        partial(_task, *told),
        lambda: sweep_row(*told, monitor=monitor),
        is_repeatable=lambda row: bool(row["repeatable"]),
        lasting=without_seconds,
    )
    return dict(found)


def _task(
    path: str,
    layer_name: str,
    transform: str,
    settings: Mapping[str, Any],
    seed: int,
    options: ReadOptions,
    device: str,
) -> dict[str, Any] | None:
    return question(
        "a point of a sweep", path, options, transform, settings, layer=layer_name, seed=seed, device=device
    )
