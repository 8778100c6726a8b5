"""One transform, or the best of several, over every layer of a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sparselab.compare import contenders, run_contender
from sparselab.contender import Contender
from sparselab.errors import SettingError, SparselabError
from sparselab.formats import ReadOptions, load_layer, read_ticket, write_ticket
from sparselab.layout import Layout
from sparselab.metrics import Report
from sparselab.monitor import SILENT, Monitor


def best_of(density: float) -> tuple[Contender, ...]:
    """Return the contenders of "best per layer": the structures that take a budget, quick enough for a whole network."""
    return tuple(each for each in contenders(density) if each.per_layer)


def model_row(
    path: str,
    layer_name: str,
    candidates: Sequence[Mapping[str, Any]],
    seed: int,
    options: ReadOptions,
    device: str = "auto",
    *,
    monitor: Monitor = SILENT,
) -> dict[str, Any]:
    """Run the candidates on one layer, in a worker; return the report and layout of the one that keeps most.

    Most energy where there are weights, most kept weights otherwise. An empty list of candidates stands for `best_of` at the
    layer's own density. Raises: the first candidate's error when none of them suits the layer.
    """
    layer = load_layer(path, layer_name, options)
    fighters = [Contender(**item) for item in candidates] or list(best_of(layer.mask.density))
    found: list[tuple[Contender, Layout, Report]] = []
    errors: list[SparselabError] = []
    for fighter in fighters:
        try:
            found.append((fighter, *run_contender(layer, fighter, seed=seed, device=device, monitor=monitor)))
        except SettingError as error:
            errors.append(error)
    if not found:
        raise errors[0]
    best, layout, numbers = max(found, key=lambda item: _worth(item[2]))
    return {"contender": best.title, "report": numbers.as_json(), "layout": layout.pack()}


def export_ticket(
    path: str,
    options: ReadOptions,
    layouts: Mapping[str, Mapping[str, Any]],
    out: str,
    form: str,
    *,
    monitor: Monitor = SILENT,
) -> int:
    """Write the whole ticket with `layouts` (as `Layout.pack` made them) in place of the masks they were made of.

    Returns: how many layers were written. Runs in a worker, because a large network takes seconds and gigabytes.
    """
    monitor.progress("writing")
    ticket = read_ticket(path, options)
    write_ticket(ticket, {name: Layout.unpack(packed) for name, packed in layouts.items()}, out, form)
    return len(ticket)


def _worth(numbers: Report) -> float:
    if numbers.energy is not None:
        return numbers.energy
    return -1.0 if numbers.coverage is None else numbers.coverage
