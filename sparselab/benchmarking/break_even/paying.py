"""When structure pays: density of the mask against density of the layout, from the cells of a break-even map."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType

from sparselab.benchmarking.break_even.maps import BreakEvenMap, BreakEvenPoint, map_of
from sparselab.benchmarking.break_even.opponents import opponent_rows, quotient, ratio_over
from sparselab.benchmarking.break_even.structure import other_arithmetic
from sparselab.benchmarking.records import Session
from sparselab.benchmarking.statistics import Ratio
from sparselab.benchmarking.verdicts import Verdict, verdict_of

UNITS: Mapping[str, str] = MappingProxyType(
    {
        "float32": "float32 on the CPU's vector units",
        "bfloat16": "bfloat16 on the CPU, whose matrix units take it where it has some",
        "cuda": "a GPU",
    }
)
"""What multiplies, in words, by its name. Only what was measured says anything of one."""


@dataclass(frozen=True, kw_only=True)
class PayingCell:
    """A mask of one density against a layout of another: ratio is the opponent's time / the layout's.

    The opponent is the faster of the dense product and the exact product of a random mask of `mask_density`.
    """

    mask_density: float
    layout_density: float
    ratio: Ratio
    rounds: int

    @property
    def verdict(self) -> Verdict:
        """FASTER where the structure was shown to pay, SLOWER where not to."""
        return verdict_of(self.ratio, self.rounds)


@dataclass(frozen=True, kw_only=True)
class PayingMap:
    """All pairs of a mask's and a layout's density at one height of groups, on one product of one device."""

    group_rows: int
    cells: tuple[PayingCell, ...]

    def factors(self) -> Mapping[float, float]:
        """Return by mask density how many times as many weights a layout may keep until it stops paying.

        Where the ratio crosses 1, between neighbours on a log scale; masks without a layout shown to pay and a denser one shown
        not to have none.
        """
        found = {}
        for mask, line in _by_mask(self.cells).items():
            verdicts = {cell.verdict for cell in line}
            crossing = _crossing(line)
            if crossing is not None and {Verdict.FASTER, Verdict.SLOWER} <= verdicts:
                found[mask] = crossing / mask
        return MappingProxyType(found)

    def always(self, verdict: Verdict) -> bool:
        """Whether every cell has this verdict."""
        return all(cell.verdict is verdict for cell in self.cells)


def unit_of(session: Session) -> str:
    """Return the name in `UNITS` of what multiplied in a session; its arithmetic where that has none."""
    return "cuda" if session.device.get("kind") == "cuda" else session.dtype


def paying_maps(found: BreakEvenMap) -> tuple[PayingMap, ...]:
    """Return a map for every height; none of an incomplete map, or where the exact product was not measured in every cell."""
    if not found.is_complete or any(point.over("exact") is None for point in found.points):
        return ()
    heights = sorted({point.group_rows for point in found.points})
    return tuple(
        PayingMap(group_rows=height, cells=_cells([p for p in found.points if p.group_rows == height]))
        for height in heights
    )


def pays_against_others(sessions: Iterable[Session], kernel: str, group_rows: int) -> Mapping[str, float | None]:
    """Return by opponent of another arithmetic, in words, the largest density at and below which groups of a height were shown to be
    faster than it; None where the sparsest was not.
    """
    found: dict[str, dict[float, Verdict]] = {}
    for session in sessions:
        rows = [row for row in session.rows if (row.kernel, row.role, row.condition) == (kernel, "kernel", "hot")]
        if session.about.get("group_rows") != str(group_rows) or not rows:
            continue
        for name, opponent in opponent_rows(session).items():
            ratio = ratio_over(rows[0], opponent)
            if other_arithmetic(session, opponent) and ratio is not None:
                verdict = verdict_of(ratio, rows[0].rounds)
                found.setdefault(name, {}).setdefault(round(session.density, 4), verdict)
    return {name: _last_faster(verdicts) for name, verdicts in found.items()}


def product_key(session: Session) -> tuple[object, ...]:
    """Return what sessions of one map agree in: device, product and threads."""
    return (session.device.get("name"), unit_of(session), session.shape, session.input_shape, session.threads)


def best_source(sessions: Iterable[Session], kernel: str, device: str) -> tuple[Session, ...]:
    """Return the sessions of the map with most cells that says when structure pays, of a device before all others; () if none.

    sessions: the newest first; of equal maps the newest counts.
    """
    groups: dict[tuple[object, ...], list[Session]] = {}
    for session in sessions:
        if session.about.get("group_rows", "").isdigit():
            groups.setdefault(product_key(session), []).append(session)
    maps = [(group, map_of(group, kernel)) for group in groups.values()]
    known = [(group, found) for group, found in maps if paying_maps(found)]
    group, _ = max(
        known, key=lambda each: (each[0][0].device.get("name") == device, len(each[1].points)), default=((), None)
    )
    return tuple(group)


def _cells(line: Sequence[BreakEvenPoint]) -> tuple[PayingCell, ...]:
    dense = Ratio(1.0, 1.0, 1.0)
    found = []
    for mask in line:
        exact = mask.exact.ratio if mask.exact is not None else None
        opponent = exact if exact is not None and exact.value > 1 else dense
        for layout in line:
            if layout.row.ratio is None:
                continue
            cell = PayingCell(
                mask_density=mask.cell[1],
                layout_density=layout.cell[1],
                ratio=quotient(layout.row.ratio, opponent),
                rounds=min(layout.row.rounds, mask.row.rounds),
            )
            found.append(cell)
    return tuple(found)


def _by_mask(cells: Iterable[PayingCell]) -> Mapping[float, list[PayingCell]]:
    found: dict[float, list[PayingCell]] = {}
    for cell in sorted(cells, key=lambda each: (each.mask_density, each.layout_density)):
        found.setdefault(cell.mask_density, []).append(cell)
    return found


def _last_faster(verdicts: Mapping[float, Verdict]) -> float | None:
    found = None
    for density in sorted(verdicts):
        if verdicts[density] is not Verdict.FASTER:
            break
        found = density
    return found


def _crossing(line: Sequence[PayingCell]) -> float | None:
    """Return the layout density at which the ratio falls below 1 for the last time, on log scales of both; None where never."""
    for sparse, dense in reversed(list(pairwise(line))):
        if sparse.ratio.value >= 1.0 > dense.ratio.value:
            share = math.log(sparse.ratio.value) / math.log(sparse.ratio.value / dense.ratio.value)
            return math.exp(
                math.log(sparse.layout_density) + share * math.log(dense.layout_density / sparse.layout_density)
            )
    return None
