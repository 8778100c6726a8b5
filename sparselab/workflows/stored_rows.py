"""Rows of a model that were computed once and are not computed again: `model_rows` and `apply_transform` with a store."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from sparselab.analysis.metrics import Report
from sparselab.core.errors import SettingError, SparselabError
from sparselab.core.layout import Layout
from sparselab.core.paths import cache_folder
from sparselab.core.ticket import Ticket
from sparselab.formats import FORMATS, ReadOptions
from sparselab.grouping import GROUPERS
from sparselab.runtime.progress import SILENT, Monitor
from sparselab.runtime.results import ResultStore
from sparselab.transforms import TRANSFORMS
from sparselab.transforms.base import Transform
from sparselab.transforms.contender import Contender
from sparselab.workflows.model import Done, NotDone, apply_transform, joint_layers, model_rows, row_of, transform_of

Row = Mapping[str, Any]

_READS_ITS_FOLDER = (".json", ".onnx")
"""Suffixes of files whose tensors may lie in other files of their folder."""

_MOST_FILES = 10_000


def results_folder() -> Path:
    """Return the folder of the store that a user's pages and commands share."""
    return cache_folder("results")


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
    """Return what `model_rows` does, without its seconds where the store in the folder `store` holds it already, in a worker."""
    kept = ResultStore(Path(store))
    asked = partial(_task, path, layer_names, candidates, seed, options, device)
    task = asked()
    found = kept.get(task) if task is not None else None
    if found is not None:
        return list(found)
    rows = model_rows(path, layer_names, candidates, seed, options, device, monitor=monitor)
    if task == asked():  # else the file was changed while it was read
        _keep(kept, task, rows)
    return rows


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
            outcomes = apply_transform(run, ticket, part, rng=seed, device=device)
            if task == asked():
                _keep(store, task, [row_of(outcome, name) for outcome in outcomes])
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
        found.append(Done(layer, layout, Report(**row["report"])))
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
    if any(set(registry) != set(registry.builtin) for registry in (TRANSFORMS, GROUPERS, FORMATS)):
        return None
    paths = [path, *(str(value) for value in vars(options).values() if isinstance(value, str | Path))]
    try:
        tried = [[each["title"], each["transform"], asdict(transform_of(each))] for each in candidates]
        files = [_identity(Path(each)) for each in paths if each == path or os.path.exists(each)]
    except (OSError, SettingError):
        return None
    return {
        "rows of a model": list(layer_names),
        "files": files,
        "candidates": tried,
        "seed": seed,
        "options": {key: str(value) for key, value in vars(options).items()},
        "device": device,
    }


def _identity(path: Path) -> list[Any]:
    """Return what tells that a file or a folder is as it was: names, sizes and times of all files that may be read for it."""
    path = path.resolve(strict=True)
    files = [path]
    if path.is_dir() or path.suffix.lower() in _READS_ITS_FOLDER:
        folder = path if path.is_dir() else path.parent
        inside = list(islice(folder.rglob("*"), _MOST_FILES + 1))
        if len(inside) > _MOST_FILES:
            raise OSError(f"{folder} holds more than {_MOST_FILES} files")
        files += sorted(each for each in inside if each.is_file())
    states = [(str(each), each.stat()) for each in files]
    return [[name, state.st_size, state.st_mtime_ns] for name, state in states]


def _keep(store: ResultStore, task: Mapping[str, Any] | None, rows: Sequence[Row]) -> None:
    """Put rows into the store, without their seconds; not errors, and not what another run may answer otherwise."""
    if task is not None and all(row.get("repeatable") for row in rows):
        store.put(task, [_without_seconds(row) for row in rows])


def _without_seconds(row: Row) -> Row:
    return {**row, **{part: {**row[part], "seconds": {}} for part in ("report", "layout")}}
