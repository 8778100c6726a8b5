"""Rows of a model that were computed once and are not computed again: `model_rows` and `apply_transform` with a store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from sparselab.analysis.metrics import Report
from sparselab.core.errors import SettingError, SparselabError
from sparselab.core.layout import Layout
from sparselab.core.ticket import Ticket
from sparselab.formats import ReadOptions
from sparselab.runtime.progress import SILENT, Monitor
from sparselab.runtime.results import ResultStore
from sparselab.transforms.base import Transform
from sparselab.transforms.contender import Contender
from sparselab.workflows.known_runs import NOTHING_KNOWN, StoredRuns, known_runs
from sparselab.workflows.layer_cards import card_facts
from sparselab.workflows.model import (
    Done,
    NotDone,
    apply_transform,
    joint_layers,
    model_rows,
    row_of,
    transform_of,
    without_values,
)
from sparselab.workflows.tasks import identity_of, stored, without_seconds

Row = Mapping[str, Any]


def stored_model_rows(
    path: str,
    layer_names: Sequence[str],
    candidates: Sequence[Mapping[str, Any]],
    seed: int,
    options: ReadOptions,
    store: str,
    device: str = "auto",
    *,
    monitor: Monitor = SILENT,
) -> list[dict[str, Any]]:
    """Return what `model_rows` does, without its seconds where the store in the folder `store` holds it already, in a worker.

    Every row has what its card shows as well: `layer_cards.card_facts`.
    """
    told = path, layer_names, candidates, seed, options, device
    known = known_runs(store, path, layer_names[0], options) if len(layer_names) == 1 else NOTHING_KNOWN

    def with_card(row: Mapping[str, Any]) -> dict[str, Any]:
        return {**row, **card_facts(path, row, candidates, options, device, monitor=monitor)}

    found: Sequence[dict[str, Any]] = stored(
        ResultStore(Path(store)),
        partial(_task, *told),
        lambda: [with_card(row) for row in model_rows(*told, monitor=monitor, known=known)],
        is_repeatable=_are_repeatable,
        lasting=_lasting,
    )
    # What the command line stored has nothing of cards.
    return [row if "pictures" in row or "error" in row else with_card(row) for row in found]


def resumed_transform(
    name: str,
    run: Transform,
    source: tuple[str, Ticket, ReadOptions],
    names: Sequence[str],
    *,
    seed: int,
    store: ResultStore,
    device: str = "auto",
) -> Iterator[Done | NotDone]:
    """Yield what `apply_transform` returns for `run`, registered as `name`; what the store holds is not computed again.

    source: the path of a file, what was read of it, and how.
    """
    path, ticket, options = source
    candidates = [asdict(Contender(name, name, name, asdict(run)))]
    for part in joint_layers(run, names):
        asked = partial(_task, path, part, candidates, seed, options, device)
        task = asked()
        found = store.get(task) if task is not None else None
        outcomes = None if found is None else _revived(found, ticket)
        if outcomes is None:
            known = StoredRuns(store, path, part[0], options)
            transformed = partial(known.layout, name, run, seed=seed, device=device)
            outcomes = list(apply_transform(run, ticket, part, rng=seed, device=device, transformed=transformed))
            rows = [row_of(outcome, name) for outcome in outcomes]
            if task is not None and task == asked() and _are_repeatable(rows):
                store.put(task, _lasting(rows))
        yield from outcomes


def _revived(rows: Sequence[Row], ticket: Ticket) -> list[Done | NotDone] | None:
    """Return stored rows as what they were made from; None where a layer's mask is not the one they were made of, or cannot be read."""
    found: list[Done | NotDone] = []
    for row in rows:
        try:
            layer = ticket[row["layer"]]
        except SparselabError:  # said by those who compute
            return None
        layout = Layout.unpack(row["layout"])
        if layout.before != layer.mask:
            return None
        found.append(Done(without_values(layer), layout, Report(**row["report"])))
    return found


def _task(
    path: str,
    layer_names: Sequence[str],
    candidates: Sequence[Mapping[str, Any]],
    seed: int,
    options: ReadOptions,
    device: str,
) -> dict[str, Any] | None:
    """Return all that rows depend on; None where it cannot be told: with plug-ins, whose code nobody knows, or too many files.

    None, too, for what is wrong, which is said better by those who compute.
    """
    where = identity_of(path, options)
    if where is None:
        return None
    try:
        tried = [[each["title"], each["transform"], asdict(transform_of(each))] for each in candidates]
    except SettingError:
        return None
    return {"rows of a model": list(layer_names), **where, "candidates": tried, "seed": seed, "device": device}


def _are_repeatable(rows: Sequence[Row]) -> bool:
    """Whether another run must come to the same: no errors, and no clock ended a search."""
    return all(row.get("repeatable") for row in rows)


def _lasting(rows: Sequence[Row]) -> list[dict[str, Any]]:
    return [without_seconds(row) for row in rows]
