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
from sparselab.workflows.known_runs import known_runs
from sparselab.workflows.tasks import found_in, question, stored, without_seconds


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
    told = path, layer_name, transform, settings, seed, options, device
    found: Mapping[str, Any] = stored(
        ResultStore(Path(store)),
        partial(_task, *told),
        lambda: explore(*told, monitor=monitor, known=known_runs(store, path, layer_name, options)),
        is_repeatable=lambda answer: not Layout.unpack(answer["layout"]).is_cut_short,
        lasting=without_seconds,
    )
    return dict(found)


def found_view(
    path: str,
    layer_name: str,
    transform: str,
    settings: Mapping[str, Any],
    seed: int,
    options: ReadOptions,
    store: str,
    device: str = "auto",
) -> dict[str, Any] | None:
    """Return what `stored_explore` would, where the store holds it; computes nothing, and needs no worker."""
    return found_in(store, _task(path, layer_name, transform, settings, seed, options, device))


def _task(
    path: str,
    layer_name: str,
    transform: str,
    settings: Mapping[str, Any],
    seed: int,
    options: ReadOptions,
    device: str,
) -> dict[str, Any] | None:
    return question("a view", path, options, transform, settings, layer=layer_name, seed=seed, device=device)
