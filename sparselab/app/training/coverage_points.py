"""What structure kept of the study's tickets, and what the trained networks then lost: the points of a chart, and their meaning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sparselab.training.paired import Difference, in_points
from sparselab.training.runs.outcomes import Outcome
from sparselab.training.runs.points import Point, compared, points_of
from sparselab.workflows.diff import diff


@dataclass(frozen=True, kw_only=True)
class CoveragePoint:
    """A structured ticket, all seeds of it: what it kept of the unstructured ticket it was made of, and what that cost.

    `coverage`: weights of that ticket still kept, in [0, 1], and `by_chance` what a random mask of as many weights in each layer keeps:
    of the first seed, whose masks are here. `difference`: test accuracy less that ticket's, retrained, paired by seed.
    """

    series: str
    level: int
    density: float
    coverage: float
    by_chance: float
    difference: Difference


def coverage_points(outcomes: Sequence[Outcome]) -> list[CoveragePoint]:
    """Return the points of all structures given to pruned tickets, most covered first; all comparisons are one family."""
    point_of = {stage: point for point in points_of(outcomes) for stage in point.stages}
    bases = {(one.run, one.level): one for one in outcomes if not one.transformed and not one.is_dense}
    made = [
        (one, bases[one.run, one.level])
        for one in outcomes
        if one.transformed and one.ticket is not None and (one.run, one.level) in bases
    ]
    first: dict[tuple[str, int, float], tuple[Outcome, Outcome]] = {}
    for one, base in sorted(made, key=lambda pair: pair[0].seed):
        first.setdefault((one.series, one.level, round(one.density, 2)), (one, base))
    pairs = [(point_of[one.run, one.stage], point_of[base.run, base.stage]) for one, base in first.values()]
    found = [
        _point(structured, one, base, difference)
        for (one, base), (structured, _), difference in zip(first.values(), pairs, compared(pairs), strict=True)
        if difference is not None
    ]
    return sorted((point for point in found if point is not None), key=lambda point: -point.coverage)


def _point(structured: Point, one: Outcome, base: Outcome, difference: Difference) -> CoveragePoint | None:
    if one.ticket is None or base.ticket is None:
        return None
    total = diff(base.ticket, one.ticket).total
    if total is None or total.shared_of_a is None:
        return None
    return CoveragePoint(
        series=structured.series,
        level=structured.level,
        density=structured.density,
        coverage=total.shared_of_a,
        by_chance=total.expected / total.kept_a,
        difference=difference,
    )


def coverage_sentences(points: Sequence[CoveragePoint], asked: float = 0.51) -> str:
    """Return what the points mean, and whether keeping a share of `asked` is good."""
    judged = [point for point in points if point.difference.verdict is not None]
    if not judged:
        return "No intervals: every structure was trained from one seed only."
    ties = [point for point in judged if point.difference.verdict == "tie"]
    worse = [point for point in judged if point.difference.verdict == "worse"]
    margin = judged[0].difference.margin or 0.0
    parts = [
        f"{len(ties)} of {len(judged)} structures are a tie with the unstructured ticket that they were made of: their difference lies "
        f"within ± {100 * margin:.2f} points."
    ]
    if worse:
        most, least = max(point.coverage for point in worse), min(point.coverage for point in ties) if ties else 1.0
        if most < least:
            parts.append(
                f"All that keep {100 * most:.0f} % of its weights or fewer lose more than that, none that keeps {100 * least:.0f} % or more does."
            )
    below = max((point for point in judged if point.coverage < asked), key=lambda point: point.coverage, default=None)
    above = min((point for point in judged if point.coverage >= asked), key=lambda point: point.coverage, default=None)
    near = [
        f"{point.series} at {100 * point.coverage:.0f} % came to {in_points(point.difference)}"
        for point in (below, above)
        if point is not None
    ]
    parts.append(f"Is {100 * asked:.0f} % good? Next to it here, in points: {'; '.join(near)}.")
    return " ".join(parts)
