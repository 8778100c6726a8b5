"""A whole network: every layer measured by itself, the fastest kernel chosen per layer, the sums."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from sparselab.benchmarking.records import Row, Session
from sparselab.benchmarking.requests import MeasurementRequest, measure_request
from sparselab.core.layout import Layout
from sparselab.formats import ReadOptions, file_stamp, load_layer, read_ticket
from sparselab.runtime.progress import SILENT, Monitor
from sparselab.transforms import TRANSFORMS
from sparselab.transforms.base import Transform


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What one layer should run on: `kernel` is the dense one unless another's verdict is FASTER.

    verdict: of the kernel, in words. is_trusted: no row it rests on is flagged.
    """

    layer: str
    kernel: str
    dense_ms: float
    best_ms: float
    verdict: str
    is_trusted: bool


@dataclass(frozen=True, kw_only=True)
class Sums:
    """Milliseconds over all layers: dense, the chosen kernels, and each kernel on every layer, None where it cannot run one."""

    dense_ms: float
    chosen_ms: float
    by_kernel: Mapping[str, float | None]

    @property
    def speedup(self) -> float:
        return self.dense_ms / self.chosen_ms


def measure_layer(
    request: MeasurementRequest, transform: str, settings: Mapping[str, Any], *, monitor: Monitor = SILENT
) -> dict[str, Any]:
    """Give a layer its structure, then measure it as `measure_request` does. Runs in a worker."""
    layout = layout_in_network(request, transform, settings, monitor=monitor)
    about = {**request.about, "transform": transform, "seed": str(request.effort.seed)}
    about["settings"] = ", ".join(f"{name}={value}" for name, value in settings.items())
    return measure_request(replace(request, layout=layout.pack(), about=about), monitor=monitor)


def layout_in_network(
    request: MeasurementRequest, transform: str, settings: Mapping[str, Any], *, monitor: Monitor = SILENT
) -> Layout:
    """Return the layout of the request's layer when `transform` is applied to the whole file, from the request's seed."""
    run, rng = TRANSFORMS[transform](**settings), np.random.default_rng(request.effort.seed)
    if not run.is_global:
        return run(
            load_layer(request.path, request.layer, request.options), rng=rng, device=request.device, monitor=monitor
        )
    told = request.path, file_stamp(request.path), request.options, request.effort.seed, request.device
    return Layout.unpack(_all_layouts(run, *told)[request.layer])


@lru_cache(maxsize=1)
def _all_layouts(
    run: Transform, path: str, _stamp: str, options: ReadOptions, seed: int, device: str
) -> Mapping[str, dict[str, Any]]:
    """Return the packed layouts of all layers under a global transform: the file is read and ranked once, not once a layer."""
    ticket = read_ticket(path, options)
    layouts = run.over(ticket, rng=np.random.default_rng(seed), device=device)
    return {name: layout.pack() for name, layout in zip(ticket.names, layouts, strict=True)}


def choose(session: Session) -> Choice:
    """Return the kernel for a layer: the fastest whose verdict is FASTER, else the dense product. Noise chooses nothing."""
    dense = session.row(role="baseline")
    assert dense is not None
    assert dense.median_ms is not None
    best = session.fastest
    layer = session.about.get("layer", "")
    if best is None or best.median_ms is None:
        return Choice(
            layer=layer,
            kernel=dense.kernel,
            dense_ms=dense.median_ms,
            best_ms=dense.median_ms,
            verdict="dense stays",
            is_trusted=not dense.flags,
        )
    return Choice(
        layer=layer,
        kernel=best.kernel,
        dense_ms=dense.median_ms,
        best_ms=best.median_ms,
        verdict=session.verdict_shown(best),
        is_trusted=not (dense.flags or best.flags),
    )


def add_up(sessions: Sequence[Session]) -> Sums:
    """Return the sums over the layers of a network, one session each."""
    choices = [choose(session) for session in sessions]
    names = dict.fromkeys(row.kernel for session in sessions for row in session.rows if row.role == "kernel")
    return Sums(
        dense_ms=sum(choice.dense_ms for choice in choices),
        chosen_ms=sum(choice.best_ms for choice in choices),
        by_kernel={name: _everywhere(sessions, name) for name in names},
    )


def _everywhere(sessions: Sequence[Session], kernel: str) -> float | None:
    total = 0.0
    for session in sessions:
        row = _hot(session, kernel)
        if row is None or row.median_ms is None:
            return None
        total += row.median_ms
    return total


def _hot(session: Session, kernel: str) -> Row | None:
    return next(
        (row for row in session.rows if (row.kernel, row.role, row.condition) == (kernel, "kernel", "hot")), None
    )
