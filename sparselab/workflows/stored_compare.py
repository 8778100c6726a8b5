"""Rows and curves of Compare that were computed once and are not computed again: `compare_row` and `curve_row` with a store."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from sparselab.formats import ReadOptions
from sparselab.runtime.progress import SILENT, Monitor
from sparselab.runtime.results import ResultStore
from sparselab.workflows.compare import compare_row, curve_row
from sparselab.workflows.known_runs import known_runs
from sparselab.workflows.tasks import question, stored, without_seconds


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
    """Return what `compare_row` does, from the store in the folder `store` where it holds it; then without the seconds.

    Without the masks, which stay in the store.
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
    """Return the masks of a row of `stored_compare_row`; it is computed again where the store does not hold it."""
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
    known = known_runs(store, path, layer_name, options)
    return _stored(
        store,
        partial(_task, "a row of Compare", path, layer_name, contender, seed, options, device),
        lambda: compare_row(path, layer_name, contender, seed, options, device, monitor=monitor, known=known),
    )


def stored_curve_row(
    path: str,
    layer_name: str,
    contender: Mapping[str, Any],
    densities: Sequence[float],
    seed: int,
    options: ReadOptions,
    store: str,
    device: str = "auto",
    *,
    monitor: Monitor = SILENT,
) -> dict[str, Any]:
    """Return what `curve_row` does, from the store in the folder `store` where it holds it."""
    known = known_runs(store, path, layer_name, options)
    return _stored(
        store,
        partial(_task, "a curve of Compare", path, layer_name, contender, seed, options, device, tuple(densities)),
        lambda: curve_row(
            path, layer_name, contender, list(densities), seed, options, device, monitor=monitor, known=known
        ),
    )


def _stored(
    store: str, asked: Callable[[], dict[str, Any] | None], compute: Callable[[], dict[str, Any]]
) -> dict[str, Any]:
    found: Mapping[str, Any] = stored(
        ResultStore(Path(store)),
        asked,
        compute,
        is_repeatable=lambda row: bool(row["repeatable"]),
        lasting=without_seconds,
    )
    return dict(found)


def _task(
    what: str,
    path: str,
    layer_name: str,
    contender: Mapping[str, Any],
    seed: int,
    options: ReadOptions,
    device: str,
    densities: tuple[float, ...] = (),
) -> dict[str, Any] | None:
    return question(
        what,
        path,
        options,
        contender["transform"],
        contender["settings"],
        layer=layer_name,
        at_budget=contender["at_budget"],
        densities=densities,
        seed=seed,
        device=device,
    )
