"""What can be said of layers that are only described: memory or compute, at best, and what was measured of such a shape here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sparselab.benchmarking.break_even.opponents import exact_row, structured_row
from sparselab.benchmarking.records import Session
from sparselab.benchmarking.verdicts import Verdict
from sparselab.diagnosis.evidence import LayerEvidence


@dataclass(frozen=True, kw_only=True)
class Machine:
    """Peak arithmetic and bandwidth of a machine, as a session measured them. ridge: operations a byte below which memory decides."""

    gflops: float
    gbytes: float
    date: str

    @property
    def ridge(self) -> float:
        return self.gflops / self.gbytes


@dataclass(frozen=True, kw_only=True)
class Stated:
    """What is said of one layer. bound_by: "memory", "compute", or "" where the machine is not known.

    pays_to: the largest density at which a session of this shape and type showed a sparse product to be faster than dense;
    fails_from: the smallest at which one was shown not to be. None: nothing of the kind was measured.
    """

    layer: LayerEvidence
    bound_by: str
    pays_to: float | None
    fails_from: float | None
    measured: int

    @property
    def at_best(self) -> float | None:
        """Dense time / sparse time if time were density; None where nothing is kept."""
        return 1 / self.layer.density if self.layer.density else None


def machine_of(sessions: Iterable[Session], dtype: str) -> Machine | None:
    """Return what the newest session of an arithmetic says of the machine; None without one. sessions: newest first."""
    for session in sessions:
        peak, copy = (session.protocol.get(name) for name in ("peak_gflops", "copy_gb_per_s"))
        if (
            session.dtype == dtype
            and isinstance(peak, int | float)
            and isinstance(copy, int | float)
            and peak > 0 < copy
        ):
            return Machine(gflops=float(peak), gbytes=float(copy), date=session.date)
    return None


def state(layer: LayerEvidence, sessions: Sequence[Session], machine: Machine | None) -> Stated:
    """Return what is known of a layer: from its sizes, and from the sessions of its shape."""
    bound_by = "" if machine is None else "memory" if layer.intensity < machine.ridge else "compute"
    faster, slower, count = [], [], 0
    for session in sessions:
        if session.shape != layer.shape or session.dtype != layer.dtype:
            continue
        rows = [row for row in (exact_row(session), structured_row(session)) if row is not None]
        count += bool(rows)
        if any(row.verdict is Verdict.FASTER for row in rows):
            faster.append(session.density)
        elif rows:
            slower.append(session.density)
    return Stated(
        layer=layer,
        bound_by=bound_by,
        pays_to=max(faster, default=None),
        fails_from=min(slower, default=None),
        measured=count,
    )


def amdahl(share: float, factor: float) -> float:
    """Return how many times faster a whole is when a share of its time becomes `factor` times faster: 1 / (1 - s + s / f).

    Source: Amdahl, AFIPS 1967.
    Example: >>> amdahl(0.5, 2.0)
             1.3333333333333333
    """
    return 1 / (1 - share + share / factor)
