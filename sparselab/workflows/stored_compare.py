"""Contenders that were run once and are not run again, and the masks they made: `compare_row` with a store."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from sparselab.formats import ReadOptions
from sparselab.runtime.progress import SILENT, Monitor
from sparselab.runtime.results import ResultStore
from sparselab.workflows.compare import compare_row
from sparselab.workflows.tasks import identity_of


def stored_compare_row(
    path: str,
    layer_name: str,
    contender: Mapping[str, Any],
    seed: int,
    options: ReadOptions,
    store: str,
    device: str = "auto",
    *,
    monitor: Monitor = SILENT,
) -> dict[str, Any]:
    """Return what `compare_row` does, without the masks, which stay in the store in the folder `store`.

    A row from the store has no seconds. What a clock or a cancel cut short is not kept: another run may come to a better one.
    """
    row = _row(path, layer_name, contender, seed, options, store, device, monitor)
    return {name: value for name, value in row.items() if name != "masks"}


def stored_masks(
    path: str,
    layer_name: str,
    contender: Mapping[str, Any],
    seed: int,
    options: ReadOptions,
    store: str,
    device: str = "auto",
    *,
    monitor: Monitor = SILENT,
) -> dict[str, Any]:
    """Return the masks of a row of `stored_compare_row`, packed; it is run again where the store does not hold it."""
    masks: dict[str, Any] = _row(path, layer_name, contender, seed, options, store, device, monitor)["masks"]
    return masks


def _row(
    path: str,
    layer_name: str,
    contender: Mapping[str, Any],
    seed: int,
    options: ReadOptions,
    store: str,
    device: str,
    monitor: Monitor,
) -> dict[str, Any]:
    kept = ResultStore(Path(store))
    asked = partial(_task, path, layer_name, contender, seed, options, device)
    task = asked()
    found = None if task is None else kept.get(task)
    if found is not None:
        return dict(found)
    row = compare_row(path, layer_name, contender, seed, options, device, monitor=monitor)
    if row["repeatable"] and task is not None and task == asked():  # else the file was changed while it was read
        kept.put(task, {**row, "report": {**row["report"], "seconds": {}}})
    return row


def _task(
    path: str, layer_name: str, contender: Mapping[str, Any], seed: int, options: ReadOptions, device: str
) -> dict[str, Any] | None:
    where = identity_of(path, options)
    if where is None:
        return None
    return {"a contender": [layer_name, dict(contender)], **where, "seed": seed, "device": device}
