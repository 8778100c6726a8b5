"""A break-even map: its cells, how much of it was measured, and up to which density each height was shown to be faster."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise, product
from typing import Literal

from sparselab.benchmarking.break_even.opponents import exact_row, ratio_over
from sparselab.benchmarking.records import Row, Session
from sparselab.benchmarking.statistics import Ratio
from sparselab.benchmarking.verdicts import Verdict, verdict_of

Opponent = Literal["dense", "exact"]
"""What blocks are compared with: the dense product, or the exact product of a random mask with as many weights."""

CELLS = "cells"
"""What a session of a map says in `about` of the cells that were asked for with it."""

Cell = tuple[int, float]
"""Height of the groups in rows, and density to four digits."""


@dataclass(frozen=True, kw_only=True)
class BreakEvenPoint:
    """One cell of a map. `limit` is the speedup if time were density: 1 / density. exact: of the same session; None where it was
    not measured.
    """

    group_rows: int
    density: float
    row: Row
    exact: Row | None = None

    @property
    def limit(self) -> float:
        return 1.0 / self.density if self.density else math.inf

    @property
    def cell(self) -> Cell:
        return self.group_rows, round(self.density, 4)

    def over(self, opponent: Opponent) -> Ratio | None:
        """Return opponent's time / this time, with its interval; None where one of them was not timed."""
        return self.row.ratio if opponent == "dense" else ratio_over(self.row, self.exact)

    def verdict(self, opponent: Opponent) -> Verdict:
        """Return the verdict on `over`: FASTER and SLOWER than the opponent."""
        if opponent == "dense":
            return self.row.verdict
        ratio = self.over(opponent)
        return Verdict.NOT_COMPARED if ratio is None else verdict_of(ratio, self.row.rounds)


@dataclass(frozen=True, kw_only=True)
class Line:
    """What a map says of one height against one opponent; densities are shares, None: there is none.

    faster_to: the largest density at and below which every cell was shown to be faster. slower_from: the smallest at and above
    which every cell was shown to be slower. crossing: where speedup crosses 1, if both are known. low, high: the densities measured.
    """

    group_rows: int
    opponent: Opponent
    low: float
    high: float
    faster_to: float | None
    slower_from: float | None
    crossing: float | None


@dataclass(frozen=True, kw_only=True)
class BreakEvenMap:
    """The cells of a map that were measured, and those that were asked for and were not. Only a complete map says anything."""

    points: tuple[BreakEvenPoint, ...]
    missing: tuple[Cell, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether every cell was measured, and each height at two densities or more."""
        densities = {density for _, density in (point.cell for point in self.points)}
        return not self.missing and len(densities) > 1 and all(point.row.ratio is not None for point in self.points)

    def lines(self, opponent: Opponent) -> tuple[Line, ...]:
        """Return what is said of each height; nothing of an incomplete map, or against what was not measured in every cell."""
        if not self.is_complete or any(point.over(opponent) is None for point in self.points):
            return ()
        heights = sorted({point.group_rows for point in self.points})
        return tuple(_line([p for p in self.points if p.group_rows == height], opponent) for height in heights)


def points(sessions: Iterable[Session], kernel: str, condition: str = "hot") -> tuple[BreakEvenPoint, ...]:
    """Return the cells that sessions hold for a kernel: of random layouts, and of any other whose groups have one height.

    Of several sessions for one cell the first counts: sessions come newest first.
    """
    found: dict[Cell, BreakEvenPoint] = {}
    for session in sessions:
        height = session.about.get("group_rows", "")
        if not height.isdigit():
            continue
        exact = exact_row(session) if condition == "hot" else None
        for row in session.rows:
            if (row.kernel, row.role, row.condition) == (kernel, "kernel", condition):
                point = BreakEvenPoint(group_rows=int(height), density=session.density, row=row, exact=exact)
                found.setdefault(point.cell, point)
    return tuple(found[key] for key in sorted(found))


def map_of(sessions: Iterable[Session], kernel: str, planned: Iterable[Cell] = ()) -> BreakEvenMap:
    """Return the map that sessions of one product hold for a kernel.

    planned: the cells asked for; without it, those of which the sessions say that they belong to one map: of the maps that
    are complete, if any is. Where nobody says, every height found is expected at every density found.
    """
    known = list(sessions)
    found = points(known, kernel)
    measured = {point.cell for point in found}
    plans = {frozenset((height, round(density, 4)) for height, density in planned)} - {frozenset()}
    plans = plans or {_planned(session) for session in known} - {frozenset()}
    if not plans:
        plans = {frozenset(product(*(set(axis) for axis in zip(*measured, strict=True))))}
    elif complete := {plan for plan in plans if plan <= measured}:
        wanted = frozenset[Cell]().union(*complete)
        return BreakEvenMap(points=tuple(point for point in found if point.cell in wanted))
    return BreakEvenMap(points=found, missing=tuple(sorted(frozenset[Cell]().union(*plans) - measured)))


def break_even(line: Iterable[BreakEvenPoint], opponent: Opponent = "dense") -> float | None:
    """Return the density at which speedup crosses 1, between neighbours on a log scale; None where it does not.

    line: the points of one height. Where it crosses more than once, the largest such density.
    """
    ratios = [(point.density, _value(point, opponent)) for point in line]
    known = sorted(((density, value) for density, value in ratios if value is not None), reverse=True)
    for (dense, slow), (sparse, fast) in pairwise(known):
        if slow < 1.0 <= fast:
            share = math.log(1.0 / slow) / math.log(fast / slow)
            return math.exp(math.log(dense) + share * math.log(sparse / dense))
    return None


def pays_up_to(line: Iterable[BreakEvenPoint], opponent: Opponent = "dense") -> float | None:
    """Return the largest density at and below which every point's verdict is FASTER; None where the sparsest does not."""
    return _last(sorted(line, key=lambda point: point.density), opponent, Verdict.FASTER)


def _line(line: list[BreakEvenPoint], opponent: Opponent) -> Line:
    rising = sorted(line, key=lambda point: point.density)
    faster, slower = pays_up_to(rising, opponent), _last(rising[::-1], opponent, Verdict.SLOWER)
    return Line(
        group_rows=rising[0].group_rows,
        opponent=opponent,
        low=rising[0].density,
        high=rising[-1].density,
        faster_to=faster,
        slower_from=slower,
        crossing=break_even(rising, opponent) if faster is not None and slower is not None else None,
    )


def _last(line: Iterable[BreakEvenPoint], opponent: Opponent, verdict: Verdict) -> float | None:
    """Return the density of the last point of `line` before the first whose verdict is another."""
    found = None
    for point in line:
        if point.verdict(opponent) is not verdict:
            break
        found = point.density
    return found


def _value(point: BreakEvenPoint, opponent: Opponent) -> float | None:
    if opponent == "dense":
        return point.row.speedup_vs_dense
    ratio = point.over(opponent)
    return None if ratio is None else ratio.value


def _planned(session: Session) -> frozenset[Cell]:
    try:
        told = json.loads(session.about.get(CELLS, "[]"))
        return frozenset((int(height), round(float(density), 4)) for height, density in told)
    except (TypeError, ValueError, OverflowError, RecursionError):  # a table that somebody else wrote
        return frozenset()
