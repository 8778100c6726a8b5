"""Whether structure pays: the fastest structured kernel against the exact product of the mask before, of one session."""

from __future__ import annotations

from sparselab.benchmarking.records import Row, Session
from sparselab.benchmarking.statistics import MARGIN, Ratio
from sparselab.benchmarking.verdicts import Verdict, verdict_of
from sparselab.kernels import KERNELS, exact_kernel

_WIDEST = 4.0
"""An interval whose ends are further apart than this factor tells a reader nothing."""


def exact_row(session: Session) -> Row | None:
    """Return the row of the exact product: of the mask before the transform, or where that is no other, of the mask as it is.

    None where it was not measured: sessions of older versions do not have it.
    """
    timed = [row for row in session.rows if row.kernel == exact_kernel() and _is_timed(row)]
    return next((row for role in ("exact", "kernel") for row in timed if row.role == role), None)


def structured_row(session: Session) -> Row | None:
    """Return the fastest kernel that multiplies blocks, or another structure; None where none was timed."""
    found = [
        row
        for row in session.rows
        if row.role == "kernel" and _is_timed(row) and row.kernel in KERNELS and not KERNELS[row.kernel].runs_any_mask
    ]
    return min(found, key=lambda row: row.median_ms or 0.0, default=None)


def structure_ratio(session: Session) -> Ratio | None:
    """Return exact time / structured time; None where either was not measured."""
    structured = structured_row(session)
    return None if structured is None else ratio_over(structured, exact_row(session))


def ratio_over(row: Row, opponent: Row | None) -> Ratio | None:
    """Return opponent's time / this time; None where either was not compared with the dense product.

    Both were timed in turns with the dense product; the interval is the widest that their two 99 % intervals allow.
    """
    if opponent is None or row.ratio is None or opponent.ratio is None:
        return None
    return quotient(row.ratio, opponent.ratio)


def quotient(ours: Ratio, theirs: Ratio) -> Ratio:
    """Return ours / theirs, with the widest interval that theirs allow.

    Example: >>> quotient(Ratio(6.0, 5.0, 8.0), Ratio(2.0, 2.0, 2.5))
             Ratio(value=3.0, low=2.0, high=4.0)
    """
    return Ratio(ours.value / theirs.value, ours.low / theirs.high, ours.high / theirs.low)


def structure_shown(session: Session) -> str:
    """Return in words whether structure pays on this machine; "" where there is nothing to compare."""
    ratio, row = structure_ratio(session), structured_row(session)
    return "" if ratio is None or row is None else structure_told(ratio, row.rounds)


def structure_told(ratio: Ratio, rounds: int) -> str:
    """Return in words whether structure pays, by exact time / structured time over `rounds` rounds.

    Example: >>> structure_told(Ratio(1.31, 1.22, 1.4), 20)
             'structure pays here: 1.31x over the exact product (1.22 to 1.40)'
             >>> structure_told(Ratio(0.8, 0.75, 0.85), 20)
             'structure does not pay here: the exact product is 1.25x faster (1.18 to 1.33)'
             >>> structure_told(Ratio(1.0, 0.9, 1.1), 20)
             'not decided whether structure pays here: 0.90 to 1.10 times as fast as the exact product'
             >>> structure_told(Ratio(1.0, 0.02, 3000.0), 20)
             'not decided whether structure pays here: the times spread too far to compare; measure again while nothing else runs'
    """
    verdict, span = verdict_of(ratio, rounds), f"{ratio.low:.2f} to {ratio.high:.2f}"
    if verdict is Verdict.FASTER:
        return f"structure pays here: {ratio.value:.2f}x over the exact product ({span})"
    if verdict is Verdict.SLOWER:
        told = f"{1 / ratio.value:.2f}x faster ({1 / ratio.high:.2f} to {1 / ratio.low:.2f})"
        return f"structure does not pay here: the exact product is {told}"
    if verdict is Verdict.NO_DIFFERENCE and ratio.high <= 1 + MARGIN:
        return f"structure does not pay here: as fast as the exact product ({span})"
    undecided = "not decided whether structure pays here"
    if ratio.high > _WIDEST * ratio.low:
        return f"{undecided}: the times spread too far to compare; measure again while nothing else runs"
    return f"{undecided}: {span} times as fast as the exact product"


def _is_timed(row: Row) -> bool:
    return row.condition == "hot" and row.median_ms is not None
