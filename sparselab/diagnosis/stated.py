"""What can be said of layers that are only described: memory or compute, at best, and what was measured of such a shape here."""

from __future__ import annotations

import math
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


@dataclass(frozen=True, kw_only=True)
class Modelled:
    """What was measured of the nearest other product, taken for a layer that was not: a model and no measurement.

    shape, positions, device: of what was measured. pays_to, fails_from: as in `Stated`. is_here: whether it was measured on this device.
    """

    shape: tuple[int, int]
    positions: int
    device: str
    pays_to: float | None
    fails_from: float | None
    is_here: bool


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
    same = [each for each in sessions if each.shape == layer.shape and each.dtype == layer.dtype]
    pays_to, fails_from, count = _span(same)
    return Stated(layer=layer, bound_by=bound_by, pays_to=pays_to, fails_from=fails_from, measured=count)


def modelled(layer: LayerEvidence, sessions: Iterable[Session], device: str) -> Modelled | None:
    """Return what the measured product that is nearest to a layer's says: of this device before all others, and then by the sum of the
    logarithms of the ratios of rows, columns and positions; None where none of the type lies within `_FARTHEST`.
    """
    products: dict[tuple[str, tuple[int, int], int], list[Session]] = {}
    for session in sessions:
        if session.dtype == layer.dtype and not session.is_step:
            products.setdefault((str(session.device.get("name", "")), session.shape, session.positions), []).append(
                session
            )
    found = []
    for (name, shape, positions), group in products.items():
        pairs = zip((*shape, positions), (*layer.shape, layer.positions), strict=True)
        distance = sum(abs(math.log(max(one, 1) / max(other, 1))) for one, other in pairs)
        pays_to, fails_from, count = _span(group)
        if count and distance <= _FARTHEST:
            key = (name != device, distance, name, shape, positions)
            told = Modelled(
                shape=shape,
                positions=positions,
                device=name,
                pays_to=pays_to,
                fails_from=fails_from,
                is_here=name == device,
            )
            found.append((key, told))
    return min(found, key=lambda each: each[0])[1] if found else None


_FARTHEST = math.log(64)
"""Products whose sizes differ by a larger factor in all say nothing of each other."""


def _span(sessions: Iterable[Session]) -> tuple[float | None, float | None, int]:
    """Return the largest density that was shown to pay, the smallest that was not, and how many sessions have a sparse product."""
    faster, slower = [], []
    for session in sessions:
        rows = [row for row in (exact_row(session), structured_row(session)) if row is not None]
        if any(row.verdict is Verdict.FASTER for row in rows):
            faster.append(session.density)
        elif rows:
            slower.append(session.density)
    return max(faster, default=None), min(slower, default=None), len(faster) + len(slower)


def amdahl(share: float, factor: float) -> float:
    """Return how many times faster a whole is when a share of its time becomes `factor` times faster: 1 / (1 - s + s / f).

    Source: Amdahl, AFIPS 1967.
    Example: >>> amdahl(0.5, 2.0)
             1.3333333333333333
    """
    return 1 / (1 - share + share / factor)
