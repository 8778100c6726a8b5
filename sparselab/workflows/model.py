"""One transform, or the best of several, over every layer of a network."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from sparselab.analysis.metrics import Report, report
from sparselab.analysis.worth import best_of
from sparselab.core.errors import Cancelled, FileError, LimitError, SettingError, SparselabError
from sparselab.core.inputs.generators import Rng, as_generator
from sparselab.core.inputs.memory import check_room
from sparselab.core.layer import Layer
from sparselab.core.layout import Layout
from sparselab.core.ticket import Ticket, ticket_of
from sparselab.formats import Form, ReadOptions, load_layer, read_ticket, write_back
from sparselab.runtime.progress import SILENT, Monitor
from sparselab.transforms import TRANSFORMS
from sparselab.transforms.base import Transform
from sparselab.transforms.contender import Contender
from sparselab.workflows.compare import best_contenders, run_contender
from sparselab.workflows.known_runs import NOTHING_KNOWN, KnownRuns

Transformed = Callable[[Layer], tuple[Layout, Report]]
"""What a transform makes of a single layer, where it may be known already."""

_JOINT_BYTES = 16  # a weight, at the peak of one threshold over all layers: measured 15.5


@dataclass(frozen=True, eq=False)
class Done:
    """What a transform made of a layer. `layer` has its name and mask, not its values, which are let go once it is reported."""

    layer: Layer
    layout: Layout
    report: Report


@dataclass(frozen=True, eq=False)
class NotDone:
    """A layer that a transform could not be applied to, and why."""

    name: str
    error: SparselabError


def joint_layers(run: Transform, names: Sequence[str]) -> list[tuple[str, ...]]:
    """Return the layers in the parts that must be transformed at once: all of them if `run` is global, else one by one."""
    return [tuple(names)] if run.is_global else [(name,) for name in names]


def apply_transform(
    run: Transform,
    ticket: Ticket,
    names: Sequence[str],
    *,
    rng: Rng = None,
    device: str = "auto",
    monitor: Monitor = SILENT,
    transformed: Transformed | None = None,
) -> Iterator[Done | NotDone]:
    """Apply one transform to the layers called `names`; yield what became of each, in their order.

    Layers are loaded when their turn comes and let go before the next one's, so that a network takes the memory of one layer
    and of the layouts that the caller keeps; a global transform needs them all at once. Every part starts from the same state of `rng`, so that one layer alone gives what it gives among all, unless the transform is global.
    A layer that fails ends only its part. transformed: stands in for `run` where a layer is a part by itself. Raises: Cancelled.
    """
    start = as_generator(rng)
    for part in joint_layers(run, names):
        yield from _apply_jointly(run, ticket, part, deepcopy(start), device, monitor, transformed)


def _apply_jointly(
    run: Transform,
    ticket: Ticket,
    names: Sequence[str],
    rng: np.random.Generator,
    device: str,
    monitor: Monitor,
    transformed: Transformed | None,
) -> list[Done | NotDone]:
    layers: dict[str, Layer] = {}
    outcomes: dict[str, Done | NotDone] = {}
    if len(names) > 1:
        try:
            check_room("all layers at once", _JOINT_BYTES * sum(ticket.found(name).size for name in names))
        except LimitError as error:
            return [NotDone(name, error) for name in names]
    for name in names:
        try:
            layers[name] = ticket[name]
        except (FileError, LimitError) as error:  # a layer that cannot be read ends no other
            outcomes[name] = NotDone(name, error)
    try:
        if transformed is not None and len(names) == 1:
            made = [transformed(layer) for layer in layers.values()]
        else:
            layouts = run.over(list(layers.values()), rng=rng, device=device, monitor=monitor) if layers else ()
            made = [(layout, report(layout, layer)) for layer, layout in zip(layers.values(), layouts, strict=True)]
    except Cancelled:
        raise
    except SparselabError as error:
        outcomes |= {name: NotDone(name, error) for name in layers}
    else:
        for (name, layer), (layout, numbers) in zip(layers.items(), made, strict=True):
            outcomes[name] = Done(without_values(layer), layout, numbers)
    return [outcomes[name] for name in names]


def without_values(layer: Layer) -> Layer:
    """Return a layer with its name, mask and geometry alone."""
    return replace(layer, weight=None, rewound=None, gradient=None, features=None)


def model_parts(names: Sequence[str], candidates: Sequence[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """Return the layers in the parts that one call of `model_rows` each must be given.

    Raises: SettingError for a single candidate whose settings exclude each other.
    """
    return joint_layers(transform_of(candidates[0]), names) if len(candidates) == 1 else [(name,) for name in names]


def model_rows(
    path: str,
    layer_names: Sequence[str],
    candidates: Sequence[Mapping[str, Any]],
    seed: int,
    options: ReadOptions,
    device: str = "auto",
    *,
    monitor: Monitor = SILENT,
    known: KnownRuns = NOTHING_KNOWN,
) -> list[dict[str, Any]]:
    """Transform the layers of one of `model_parts`, in a worker.

    One candidate is applied as `apply_transform` does, none or several as `model_row` does.
    Returns: for every layer {"layer", "contender", "report", "layout", "repeatable"}, or {"layer", "error"} with the reason in words.
    known: where runs of a layer that is a part by itself are found and kept. Raises: what `model_row` does.
    """
    if len(candidates) != 1:
        rows = (
            model_row(path, name, candidates, seed, options, device, monitor=monitor, known=known)
            for name in layer_names
        )
        return [{"layer": name, **row} for name, row in zip(layer_names, rows, strict=True)]
    single = len(layer_names) == 1  # the worker remembers single layers between calls
    ticket = ticket_of([load_layer(path, layer_names[0], options)]) if single else read_ticket(path, options)
    run = transform_of(candidates[0])
    told: dict[str, Any] = {"device": device, "monitor": monitor}
    transformed = partial(known.layout, candidates[0]["transform"], run, seed=seed, **told)
    outcomes = apply_transform(run, ticket, layer_names, rng=seed, transformed=transformed, **told)
    return [row_of(outcome, candidates[0]["title"]) for outcome in outcomes]


def row_of(outcome: Done | NotDone, contender: str) -> dict[str, Any]:
    """Return what became of a layer as a row of `model_rows`."""
    if isinstance(outcome, NotDone):
        return {"layer": outcome.name, "error": str(outcome.error)}
    return {
        "layer": outcome.layer.name,
        "contender": contender,
        "report": outcome.report.as_json(),
        "layout": outcome.layout.pack(),
        "repeatable": not outcome.layout.is_cut_short,
    }


def transform_of(candidate: Mapping[str, Any]) -> Transform:
    """Return the transform of a contender. Raises: SettingError for settings that it does not take."""
    return TRANSFORMS[candidate["transform"]](**candidate["settings"])


def model_row(
    path: str,
    layer_name: str,
    candidates: Sequence[Mapping[str, Any]],
    seed: int,
    options: ReadOptions,
    device: str = "auto",
    *,
    monitor: Monitor = SILENT,
    known: KnownRuns = NOTHING_KNOWN,
) -> dict[str, Any]:
    """Run the candidates on one layer, in a worker; return the report and layout of the best, the first where several are level.

    What "best" means says `analysis.worth`. An empty list of candidates stands for `best_contenders` at the layer's own density.
    `level`: the titles of the others that keep as much. Raises: the first candidate's error when none of them suits the layer.
    """
    layer = load_layer(path, layer_name, options)
    entrants = [Contender(**item) for item in candidates] or list(best_contenders(layer.mask.density))
    found: list[tuple[Contender, Layout, Report]] = []
    errors: list[SparselabError] = []
    for entrant in entrants:
        try:
            found.append(
                (entrant, *run_contender(layer, entrant, seed=seed, device=device, monitor=monitor, known=known))
            )
        except SettingError as error:
            errors.append(error)
    if not found:
        raise errors[0]
    first, *others = best_of([numbers for _, _, numbers in found]) or (0,)
    best, layout, numbers = found[first]
    # Whether another run must come to the same: no clock ended a search, and none was left out, perhaps for lack of memory.
    repeatable = not errors and not any(tried.is_cut_short for _, tried, _ in found)
    return {
        "contender": best.title,
        "level": [found[place][0].title for place in others],
        "report": numbers.as_json(),
        "layout": layout.pack(),
        "repeatable": repeatable,
    }


def export_ticket(
    path: str,
    options: ReadOptions,
    layouts: Mapping[str, Mapping[str, Any]],
    out: str,
    format: str,
    form: Form = "pairs",
    *,
    monitor: Monitor = SILENT,
) -> int:
    """Write a file with `layouts` (as `Layout.pack` made them) in place of the masks they were made of; see `write_back`.

    An `out` that exists is replaced. Returns: how many layers it has. Runs in a worker, because a large network takes seconds
    and gigabytes.
    """
    monitor.progress("writing the file")
    found = {name: Layout.unpack(packed) for name, packed in layouts.items()}
    write_back(path, found, out, options=options, format=format, form=form, overwrite=True)
    return len(read_ticket(path, options))
