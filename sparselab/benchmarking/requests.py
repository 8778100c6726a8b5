"""A measurement from the outside: a process of its own, one at a time, its session kept in the store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from sparselab.analysis.metrics import report
from sparselab.benchmarking.lock import alone
from sparselab.benchmarking.measurement import ROUNDS, SECONDS, measure
from sparselab.benchmarking.opponents import USUAL_OPPONENTS
from sparselab.benchmarking.records import Session
from sparselab.benchmarking.storage_paths import database_path
from sparselab.benchmarking.store import Store
from sparselab.core.device import resolve_device
from sparselab.core.errors import FileError
from sparselab.core.layer import Layer
from sparselab.core.layout import Layout
from sparselab.formats import ReadOptions, load_layer
from sparselab.kernels.base import Work, work_of
from sparselab.runtime.pipes import Limits
from sparselab.runtime.progress import SILENT, Monitor
from sparselab.runtime.worker import run_isolated

IMPORTS = ("torch", "sparselab.benchmarking.requests")
"""What the process that measures loads before it is asked."""


@dataclass(frozen=True, kw_only=True)
class Effort:
    """How long to measure, on how many threads (None: as many as torch takes), from which seed."""

    rounds: int = ROUNDS
    seconds: float = SECONDS
    threads: int | None = None
    seed: int = 0


@dataclass(frozen=True, kw_only=True)
class MeasurementRequest:
    """One layer of a file under one layout, as a matrix product at `positions` or a convolution over `images`.

    layout: what `Layout.pack` made, or None for the mask as it is in the file. stride, padding: of the convolution, where the
    file does not say (None: as the layer has them). kernels: None for all that may suit. opponents: by their names in `OPPONENTS`.
    backward: whole training steps, which no opponent runs.
    about: where the layout came from, for whoever reads the session later.
    """

    path: str
    layer: str
    options: ReadOptions = field(default_factory=ReadOptions)
    layout: Mapping[str, Any] | None = None
    positions: int | None = None
    images: tuple[int, int, int, int] | None = None
    stride: int | None = None
    padding: int | None = None
    dtype: str = "float32"
    device: str = "auto"
    kernels: tuple[str, ...] | None = None
    backward: bool = False
    opponents: tuple[str, ...] = USUAL_OPPONENTS
    about: Mapping[str, str] = field(default_factory=dict)
    effort: Effort = field(default_factory=Effort)


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A session, and why it could not be stored, or ""."""

    session: Session
    not_stored: str = ""

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Measured:
        return cls(session=Session.from_json(document["session"]), not_stored=document["not_stored"])


def measure_isolated(request: MeasurementRequest, *, monitor: Monitor = SILENT) -> Measured:
    """Measure in a new process, with its threads set before torch starts. Raises as `measure_request` does."""
    limits = Limits(threads=request.effort.threads)
    return Measured.from_json(run_isolated(measure_request, request, limits=limits, imports=IMPORTS, monitor=monitor))


def measure_request(request: MeasurementRequest, *, monitor: Monitor = SILENT) -> dict[str, Any]:
    """Wait for the lock, measure, store; return a `Measured` as plain values. Runs in a worker, alone in its process.

    Raises: SettingError when layer and input do not fit together, UnavailableError, Cancelled.
    """
    layer = layer_of_request(request)
    layout = as_in_the_file(layer) if request.layout is None else Layout.unpack(request.layout)
    work, about = product_of(request, layer, layout), {**request.about, **facts_of(layer, layout)}
    with alone(monitor):
        session = measure_with(
            work,
            request.kernels,
            request.effort,
            opponents=request.opponents,
            about=about,
            monitor=monitor,
            backward=request.backward,
        )
    return kept(session)


def facts_of(layer: Layer, layout: Layout) -> dict[str, str]:
    """Return what a session says of the masks it was measured on, so that other results of the same masks can be found.

    mask_before, mask_after: their digests. density_before. energy, coverage: what the layout keeps, where that has a meaning.
    """
    found = report(layout, layer)
    shares = {name: getattr(found, name) for name in ("energy", "coverage")}
    told = {name: f"{share:.6f}" for name, share in shares.items() if share is not None}
    density = f"{layout.before.density:.6f}"
    return {
        "mask_before": layout.before.digest,
        "mask_after": layout.after.digest,
        "density_before": density,
        **told,
    }


def layer_of_request(request: MeasurementRequest) -> Layer:
    """Return the layer of a request, with the stride and padding it was told."""
    layer = load_layer(request.path, request.layer, request.options)
    return replace(
        layer,
        stride=layer.stride if request.stride is None else request.stride,
        padding=layer.padding if request.padding is None else request.padding,
    )


def product_of(request: MeasurementRequest, layer: Layer, layout: Layout) -> Work:
    """Return the product of `layer` under `layout` that a request asks for."""
    return work_of(
        layer,
        layout,
        positions=request.positions,
        images=request.images,
        dtype=request.dtype,
        device=str(resolve_device(request.device)),
        rng=np.random.default_rng(request.effort.seed),
    )


def as_in_the_file(layer: Layer) -> Layout:
    """Return the layout of a layer that no transform has touched: its mask, and no blocks unless every weight is kept."""
    return Layout.masked(
        layer.mask, layer.mask, reason="the mask is as in the file, and a transform would give it some"
    )


def measure_with(
    work: Work,
    kernels: tuple[str, ...] | None,
    effort: Effort,
    *,
    opponents: tuple[str, ...],
    about: Mapping[str, str],
    monitor: Monitor,
    backward: bool = False,
) -> Session:
    """Measure under an effort. The caller holds the lock."""
    return measure(
        work,
        kernels,
        opponents=opponents,
        rounds=effort.rounds,
        seconds=effort.seconds,
        threads=effort.threads,
        seed=effort.seed,
        backward=backward,
        about=about,
        monitor=monitor,
    )


def kept(session: Session) -> dict[str, Any]:
    """Store a session; return it with the reason, if any, why that failed: what was measured is not lost for it."""
    try:
        Store(database_path()).add(session)
    except FileError as error:
        return {"session": session.as_json(), "not_stored": str(error)}
    return {"session": session.as_json(), "not_stored": ""}
