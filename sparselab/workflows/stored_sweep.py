"""Points of a sweep that were computed once and are not computed again: `sweep_row` with a store."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from sparselab.core.errors import SparselabError
from sparselab.formats import ReadOptions
from sparselab.runtime.progress import SILENT, Monitor
from sparselab.runtime.results import ResultStore
from sparselab.workflows.layer_digest import digest_in
from sparselab.workflows.sweep import sweep_row
from sparselab.workflows.sweeps.point import task_of, timeless_settings
from sparselab.workflows.tasks import other_packages, stored, without_seconds


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
    """Return what `sweep_row` does, from the store in the folder `store` where it holds it; then without the seconds.

    The key is that of a sweep's results (`sweeps.point.task_of`): what one computed with chance, the other finds.
    """
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
    if other_packages():  # whose code nobody knows
        return None
    try:
        layer, timeless = digest_in(path, layer_name, options), timeless_settings(transform, settings)
    except SparselabError:  # said better by those who compute
        return None
    return task_of(layer, transform, timeless, seed, with_chance=True, device=device)
