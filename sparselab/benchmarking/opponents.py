"""Whether structure pays: the fastest kernel that needs blocks against the exact product of the mask as it was."""

from __future__ import annotations

from sparselab.benchmarking.records import Row, Session
from sparselab.benchmarking.statistics import MARGIN, Ratio
from sparselab.kernels import KERNELS, exact_kernel


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
    """Return exact time / structured time; None where either was not measured.

    Both were timed in turns with the dense product; the interval is the widest that their two 99 % intervals allow.
    """
    exact, structured = exact_row(session), structured_row(session)
    if exact is None or structured is None or exact.ratio is None or structured.ratio is None:
        return None
    mine, theirs = structured.ratio, exact.ratio
    return Ratio(mine.value / theirs.value, mine.low / theirs.high, mine.high / theirs.low)


def structure_shown(session: Session) -> str:
    """Return in words whether structure pays on this machine; "" where there is nothing to compare.

    "structure pays here, 1.3x over exact (1.2 to 1.4)"; "structure does not pay here, 0.8x of exact (0.7 to 0.9)".
    """
    ratio = structure_ratio(session)
    if ratio is None:
        return ""
    told = f"({ratio.low:.2f} to {ratio.high:.2f})"
    if ratio.low > 1 + MARGIN:
        return f"structure pays here, {ratio.value:.2f}x over exact {told}"
    if ratio.high < 1 + MARGIN:
        return f"structure does not pay here, {ratio.value:.2f}x the speed of exact {told}"
    return f"not decided whether structure pays here, {ratio.value:.2f}x the speed of exact {told}"


def _is_timed(row: Row) -> bool:
    return row.condition == "hot" and row.median_ms is not None
