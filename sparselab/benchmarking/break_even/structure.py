"""Whether structure pays, in words: the fastest structured kernel against the best of its opponents."""

from __future__ import annotations

from dataclasses import dataclass

from sparselab.benchmarking.break_even.opponents import EXACT, opponent_rows, quotient, structured_row
from sparselab.benchmarking.records import Row, Session
from sparselab.benchmarking.statistics import MARGIN, Ratio
from sparselab.benchmarking.verdicts import Verdict, verdict_of

_WIDEST = 4.0
"""An interval whose ends are further apart than this factor tells a reader nothing."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A structure against one opponent: opponent's time / structured time.

    opponent: in words, with its article. arithmetic: the opponent's own where it is not the structure's, else "".
    """

    opponent: str
    ratio: Ratio
    arithmetic: str = ""


@dataclass(frozen=True, kw_only=True)
class StructureVerdict:
    """What a structure came to against every opponent that was timed and right, over `rounds` rounds."""

    comparisons: tuple[Comparison, ...]
    rounds: int

    @property
    def best(self) -> Comparison:
        """Against the fastest opponent."""
        return min(self.comparisons, key=lambda each: each.ratio.value)

    @property
    def best_of_same(self) -> Comparison:
        """Against the fastest opponent in the structure's own arithmetic."""
        return min((each for each in self.comparisons if not each.arithmetic), key=lambda each: each.ratio.value)


def structure_verdict(session: Session) -> StructureVerdict | None:
    """Return what the fastest structured kernel of a session came to; None unless it and the exact product were timed."""
    structured, opponents = structured_row(session), opponent_rows(session)
    ours = None if structured is None else session.shown(structured)
    if structured is None or ours is None or EXACT not in opponents:
        return None
    found = [
        Comparison(opponent=name, ratio=quotient(ours, theirs), arithmetic=other_arithmetic(session, row))
        for name, row in opponents.items()
        if (theirs := session.shown(row)) is not None
    ]
    return StructureVerdict(comparisons=tuple(found), rounds=structured.rounds)


def other_arithmetic(session: Session, row: Row) -> str:
    """Return the arithmetic of a row where it is not the session's, else ""."""
    arithmetic = session.arithmetic(row)
    return "" if arithmetic == session.dtype else arithmetic


def structure_shown(session: Session) -> str:
    """Return in words whether structure pays on this machine; "" where there is nothing to compare."""
    found = structure_verdict(session)
    return "" if found is None else structure_told(found)


def structure_told(found: StructureVerdict) -> str:
    """Return in words whether structure pays: against the best opponent; where that has another arithmetic, against the best
    of the structure's own too.

    Example: >>> exact = Comparison(opponent="the exact product", ratio=Ratio(1.31, 1.22, 1.4))
             >>> dense = Comparison(opponent="the dense product", ratio=Ratio(6.0, 5.9, 6.1))
             >>> half = Comparison(opponent="dense in bfloat16", ratio=Ratio(0.8, 0.75, 0.85), arithmetic="bfloat16")
             >>> structure_told(StructureVerdict(comparisons=(dense, exact), rounds=20))
             'structure pays here: 1.31x over the exact product, the best of 2 opponents (1.22 to 1.40)'
             >>> structure_told(StructureVerdict(comparisons=(dense, exact, half), rounds=20))
             'structure does not pay here: dense in bfloat16 is 1.25x faster (1.18 to 1.33), the best of 3 opponents and in another arithmetic; in the same arithmetic structure pays: 1.31x over the exact product (1.22 to 1.40)'
    """
    best, same, count = found.best, found.best_of_same, len(found.comparisons)
    told = _told(best, found.rounds, f"the best of {count} opponents")
    if not best.arithmetic:
        return told
    return f"{told}; in the same arithmetic {_told(same, found.rounds, '').replace(' here', '')}"


def _told(found: Comparison, rounds: int, rank: str) -> str:
    ratio, name = found.ratio, found.opponent
    verdict, span = verdict_of(ratio, rounds), f"{ratio.low:.2f} to {ratio.high:.2f}"
    after = f", {rank}" + " and in another arithmetic" * bool(found.arithmetic) if rank else ""
    if verdict is Verdict.FASTER:
        return f"structure pays here: {ratio.value:.2f}x over {name}{after} ({span})"
    if verdict is Verdict.SLOWER:
        told = f"{1 / ratio.value:.2f}x faster ({1 / ratio.high:.2f} to {1 / ratio.low:.2f})"
        return f"structure does not pay here: {name} is {told}{after}"
    if verdict is Verdict.NO_DIFFERENCE and ratio.high <= 1 + MARGIN:
        return f"structure does not pay here: as fast as {name}{after} ({span})"
    undecided = "not decided whether structure pays here"
    if ratio.high > _WIDEST * ratio.low:
        return f"{undecided}: the times spread too far to compare; measure again while nothing else runs"
    return f"{undecided}: {span} times as fast as {name}{after}"
