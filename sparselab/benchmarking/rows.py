"""The rows of a session: what was timed, put into figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sparselab.benchmarking.host import Load
from sparselab.benchmarking.records import Row
from sparselab.benchmarking.roofline import Roofline, necessary
from sparselab.benchmarking.statistics import speedup, summarise
from sparselab.benchmarking.timing import Key, Timings
from sparselab.benchmarking.verdicts import Verdict
from sparselab.benchmarking.verification import OPPONENT, Participant, baseline_of
from sparselab.kernels.base import Work


def rows_of(
    work: Work,
    *,
    participants: Sequence[Participant],
    taken: Timings,
    refused: Mapping[Key, str],
    roofline: Roofline,
    loads: tuple[Load, Load],
    seed: int,
    products: int = 1,
) -> tuple[Row, ...]:
    """Return one row per participant and condition; one without times for those that could not run, or were wrong.

    products: as large as that of `work` which one run makes, three in a training step.
    """
    busy = any(load.is_busy for load in loads)
    rows: list[Row] = []
    for index, participant in enumerate(participants):
        known = Row(
            participant.name,
            participant.role,
            max_error=participant.error,
            prepare_ms=participant.prepare_ms,
            obstacle=participant.obstacle,
            choice=participant.choice,
        )
        if participant.run is None:
            rows.append(known if known.obstacle else replace(known, flags=("wrong",)))
            continue
        flops, moved = necessary(work, dense=participant.name == baseline_of(work))
        for condition in taken.conditions(index):
            row = _timed(replace(known, condition=condition), taken, index, seed)
            assert row.median_ms is not None
            if participant.role in ("exact", OPPONENT):  # of another density, or of an arithmetic with another roofline
                rows.append(replace(row, flags=row.flags + ("busy",) * busy))
                continue
            share = roofline.share(row.median_ms, flops=products * flops, moved_bytes=products * moved)
            rows.append(replace(row, flags=row.flags + ("busy",) * busy, roof_share=share))
        for (who, condition), obstacle in refused.items():
            if who == index:
                rows.append(replace(known, condition=condition, obstacle=obstacle))
    return _with_control(rows)


def _timed(row: Row, taken: Timings, index: int, seed: int) -> Row:
    times = taken.times[index, row.condition]
    summary = summarise(times)
    row = replace(
        row,
        median_ms=summary.median,
        p20_ms=summary.p20,
        p80_ms=summary.p80,
        rounds=summary.rounds,
        repeats=taken.repeats[index, row.condition],
        flags=("noisy",) * summary.is_noisy,
    )
    dense = taken.times.get((0, row.condition))
    if dense is None:
        return row
    ratio = speedup(dense, times, seed=seed)
    return replace(row, speedup_vs_dense=ratio.value, interval=(ratio.low, ratio.high))


def _with_control(rows: Sequence[Row]) -> tuple[Row, ...]:
    """Flag every row of a condition under which the baseline differed from itself."""
    differs = {row.condition for row in rows if row.role == "control" and row.verdict is not Verdict.NO_DIFFERENCE}
    return tuple(
        replace(row, flags=(*row.flags, "control")) if row.median_ms is not None and row.condition in differs else row
        for row in rows
    )
