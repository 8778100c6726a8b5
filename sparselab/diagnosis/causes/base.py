"""What a cause is: a question to the evidence, and what it finds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from sparselab.diagnosis.evidence import TARGETS, Evidence, LayerEvidence

Basis = Literal["measured", "rule", "seen"]
"""What a finding rests on: times taken in this session, rules of a runtime that is not here, or what the passes showed."""

UNDOES, SIZE, NOTHING_RUNS_IT = range(3)
"""Ranks of causes: what undoes the pruning comes before what sizes allow, and both before "nothing here makes use of zeros"."""


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """What a cause found. `gain`: how many times faster at most, None where that was not measured; `trial`: how to try the cure,
    a name among `diagnosis.trials.TRIALS`, "" where it cannot be tried here. lines: the evidence, a line each."""

    sentence: str
    lines: tuple[str, ...]
    cure: str
    basis: Basis
    gain: float | None = None
    trial: str = ""
    layers: tuple[str, ...] = ()
    cause: str = ""
    title: str = ""


@dataclass(frozen=True, kw_only=True)
class Cause:
    """A reason why pruning makes nothing faster: `judge` returns what it finds in evidence, or None."""

    title: str
    judge: Callable[[Evidence], Explanation | None]
    rank: int
    targets: tuple[str, ...] = TARGETS


def ms_shown(ms: float) -> str:
    """Return a time as people read it.

    Example: >>> ms_shown(0.0042), ms_shown(12.345)
             ('0.0042 ms', '12 ms')
    """
    return f"{ms:.2g} ms" if ms < 100 else f"{ms:.0f} ms"


def share_shown(share: float) -> str:
    """Return a share in percent, two digits where it is small.

    Example: >>> share_shown(0.0512), share_shown(0.9)
             ('5.1 %', '90 %')
    """
    return f"{100 * share:.{1 if share < 0.1 else 0}f} %"


def named(layers: Sequence[LayerEvidence], most: int = 3) -> str:
    """Return the names of layers, the first few of many."""
    names = [layer.name for layer in layers]
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def gain_without(evidence: Evidence, ms: float) -> float | None:
    """Return how many times faster a pass would be without `ms` of its operations; None where nothing was timed."""
    return evidence.ops_ms / max(evidence.ops_ms - ms, 1e-9) if evidence.ops_ms > 0 else None


def saved_by_exact(layers: Sequence[LayerEvidence]) -> float:
    """Return the milliseconds that the exact product would save where it was shown to be faster; of layers that were not timed
    alone, the same share as of those that were."""
    timed = [layer for layer in layers if layer.product is not None]
    total = sum(layer.ms for layer in timed)
    saved = 0.0
    for layer in timed:
        product = layer.product
        if product is not None and product.best_ms is not None and product.pays:
            saved += layer.ms * (1 - min(1.0, product.best_ms / product.dense_ms))
    return saved / total * sum(layer.ms for layer in layers) if total else 0.0


def calls_dominate(evidence: Evidence) -> bool:
    """Whether most of the time of the operations is that of calling them: on average they take less than three times what an
    operation on one number does."""
    return evidence.ops > 0 and evidence.ops_ms < _CALLS * evidence.ops * evidence.call_ms


_CALLS = 3.0
