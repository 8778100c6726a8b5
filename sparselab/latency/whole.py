"""A whole network: every layer measured by itself, the fastest kernel chosen per layer, the sums."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sparselab.formats import load_layer
from sparselab.latency.running import MeasurementRequest, measure_request
from sparselab.latency.values import Row, Session
from sparselab.monitor import SILENT, Monitor
from sparselab.transforms import TRANSFORMS


@dataclass(frozen=True)
class Choice:
    """What one layer should run on: `kernel` is the dense one unless another's verdict says faster."""

    layer: str
    kernel: str
    dense_ms: float
    best_ms: float
    verdict: str
    is_trusted: bool


@dataclass(frozen=True)
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
    layer = load_layer(request.path, request.layer, request.options)
    run = TRANSFORMS[transform](**settings)
    seed = request.effort.seed
    layout = run(layer, rng=np.random.default_rng(seed), device=request.device, monitor=monitor)
    about = {**request.about, "transform": transform, "seed": str(seed)}
    about["settings"] = ", ".join(f"{name}={value}" for name, value in settings.items())
    return measure_request(replace(request, layout=layout.pack(), about=about), monitor=monitor)


def choose(session: Session) -> Choice:
    """Return the kernel for a layer: the fastest whose verdict says faster, else the dense product. Noise chooses nothing.

    is_trusted: no row it rests on is flagged.
    """
    dense = session.row(role="baseline")
    assert dense is not None
    assert dense.median_ms is not None
    best = session.fastest
    layer = session.about.get("layer", "")
    if best is None or best.median_ms is None:
        return Choice(layer, dense.kernel, dense.median_ms, dense.median_ms, "dense stays", not dense.flags)
    return Choice(layer, best.kernel, dense.median_ms, best.median_ms, best.verdict, not (dense.flags or best.flags))


def add_up(sessions: Sequence[Session]) -> Sums:
    """Return the sums over the layers of a network, one session each."""
    choices = [choose(session) for session in sessions]
    names = dict.fromkeys(row.kernel for session in sessions for row in session.rows if row.role == "kernel")
    return Sums(
        sum(choice.dense_ms for choice in choices),
        sum(choice.best_ms for choice in choices),
        {name: _everywhere(sessions, name) for name in names},
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
