"""Structures and their opponents in one session: the fastest structured kernel, the exact product of the mask before, and others."""

from __future__ import annotations

from collections.abc import Mapping

from sparselab.benchmarking.records import Row, Session
from sparselab.benchmarking.statistics import Ratio
from sparselab.kernels import KERNELS, exact_kernel

DENSE, EXACT = "the dense product", "the exact product"
"""What verdicts call the two opponents that need no registry."""


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


def opponent_rows(session: Session) -> Mapping[str, Row]:
    """Return what a structure has to beat, in words: the dense product, the exact one, and all others that were timed and right."""
    found = {DENSE: session.row(role="baseline"), EXACT: exact_row(session)}
    for row in session.rows:
        if row.role == "opponent":
            found[opponent_in_words(session, row.kernel)] = row
    return {name: row for name, row in found.items() if row is not None and _is_timed(row)}


def opponent_in_words(session: Session, name: str) -> str:
    """Return what a verdict calls an opponent, as its session has it."""
    return str(session.protocol.get("opponents", {}).get(name, {}).get("in_words", name))


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


def _is_timed(row: Row) -> bool:
    return row.condition == "hot" and row.median_ms is not None
