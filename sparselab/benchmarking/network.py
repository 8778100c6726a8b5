"""A whole network: every layer measured by itself, the fastest kernel chosen per layer, the sums."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from sparselab.benchmarking.break_even.opponents import EXACT, opponent_rows, quotient, structured_row
from sparselab.benchmarking.break_even.structure import Comparison, StructureVerdict, other_arithmetic
from sparselab.benchmarking.records import Row, Session
from sparselab.benchmarking.requests import MeasurementRequest, measure_request
from sparselab.benchmarking.statistics import Ratio
from sparselab.benchmarking.verdicts import Verdict
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
class NetworkVerdict:
    """What a network gains when every layer was measured, each ratio with the widest interval that those of its layers allow.

    speedup: dense / fastest per layer. structure: each opponent on every layer / structured kernel per layer; None where a layer
    lacks a structured kernel or the exact product. rounds: the fewest of any layer. In every sum a layer stays dense where its kernel was not shown to be faster.
    """

    speedup: Ratio
    structure: StructureVerdict | None
    rounds: int


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


def verdict_on(sessions: Sequence[Session], layers: int) -> NetworkVerdict | None:
    """Return the verdict on a network of `layers` layers, one session each; None while one is not measured."""
    if not layers or len(sessions) != layers:
        return None
    rounds = min(row.rounds for session in sessions for row in session.rows if row.role == "baseline")
    speedup = ratio_of_sums(sessions, [session.fastest for session in sessions])
    return NetworkVerdict(speedup=speedup, structure=_structure(sessions, rounds), rounds=rounds)


def _structure(sessions: Sequence[Session], rounds: int) -> StructureVerdict | None:
    structured, opponents = [structured_row(each) for each in sessions], [opponent_rows(each) for each in sessions]
    if None in structured or not all(EXACT in found for found in opponents):
        return None
    ours, comparisons = ratio_of_sums(sessions, _where_faster(structured)), []
    for name in dict.fromkeys(name for found in opponents for name in found):
        rows = [found.get(name) for found in opponents]
        told = {other_arithmetic(session, row) for session, row in zip(sessions, rows, strict=True) if row is not None}
        theirs = ratio_of_sums(sessions, _where_faster(rows))
        comparisons.append(Comparison(opponent=name, ratio=quotient(ours, theirs), arithmetic=max(told)))
    return StructureVerdict(comparisons=tuple(comparisons), rounds=rounds)


def ratio_of_sums(sessions: Sequence[Session], rows: Sequence[Row | None]) -> Ratio:
    """Return sum of dense times / sum of the times of `rows`, one a session; None: the layer stays dense.

    low, high: every layer at the low or the high end of its own interval at once.
    """
    pairs = [(choose(session).dense_ms, row) for session, row in zip(sessions, rows, strict=True)]
    dense = sum(time for time, _ in pairs)
    ratios = [Ratio(1.0, 1.0, 1.0) if row is None else row.ratio or Ratio(1.0, 1.0, 1.0) for _, row in pairs]
    value = dense / sum(time if row is None else row.median_ms or time for time, row in pairs)
    low, high = (
        dense / sum(time / end for (time, _), end in zip(pairs, ends, strict=True))
        for ends in ([ratio.low for ratio in ratios], [ratio.high for ratio in ratios])
    )
    # The value is of medians, as the sums shown are; the ends are of medians of ratios.
    return Ratio(value, min(low, value), max(high, value))


def _where_faster(rows: Sequence[Row | None]) -> list[Row | None]:
    return [row if row is not None and row.verdict is Verdict.FASTER else None for row in rows]


def everywhere(sessions: Sequence[Session], kernel: str) -> Ratio | None:
    """Return dense / `kernel` on every layer; None where it was not timed on one."""
    rows = [_hot(session, kernel) for session in sessions]
    timed = [row for row in rows if row is not None and row.median_ms is not None and row.ratio is not None]
    return ratio_of_sums(sessions, timed) if timed and len(timed) == len(rows) else None


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
