"""The tables of docs/study.md, from the study's results: python -m benchmarks.study_table writes them anew."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from sparselab.app.training.coverage_points import coverage_points
from sparselab.training.paired import in_points
from sparselab.training.runs.outcomes import study_outcomes
from sparselab.training.runs.points import Point, chosen_of, compared, dense_of, points_of

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "study.md"
_MARKED = re.compile(r"(<!-- table (\w+): python -m benchmarks.study_table -->\n).*?(<!-- end of table -->)", re.DOTALL)

Key = tuple[str, int, int]
"""A point by its series, its level, and its percent of weights kept, rounded to tens."""

_IMP = "IMP (unstructured)"
_COMPARED: tuple[tuple[str, str], ...] = (
    ("Refill", _IMP),
    ("Regroup", _IMP),
    ("Shuffled blocks", _IMP),
    ("Regroup", "Refill"),
    ("Shuffled blocks", "Regroup"),
    ("Regroup, refined", "Regroup"),
    ("Shuffled blocks, refined", "Shuffled blocks"),
)
"""Which series the text compares, each at levels 3, 6 and 9."""
_DYNAMIC: tuple[tuple[str, str], ...] = (
    ("RigL", "SSB (static blocks)"),
    ("SET", "SSB (static blocks)"),
    ("DSB", "SSB (static blocks)"),
    ("RigL", "DSB"),
)
"""Which methods it compares at 60 and at 90 % sparsity."""
_ALONE: tuple[tuple[Key, Key], ...] = (
    (("Refill+", 9, 40), ("Refill", 9, 10)),
    (("Refill+", 9, 40), ("Refill", 6, 30)),
)
"""What it compares besides, at densities that differ."""


def outcomes_table() -> str:
    """Return a row a point: weights and channels kept, accuracy of three seeds, and the difference to dense."""
    outcomes = study_outcomes()
    dense = dense_of(outcomes, study=True)
    if dense is None:
        return ""
    head = (
        *("what", "level", "weights kept", "channels kept", "blocks", "test accuracy: mean (least to most)"),
        *("test, to dense", "validation, to dense"),
    )
    return _table(head, [_row(point) for point in (dense, *points_of(outcomes))])


def chosen_table() -> str:
    """Return of every series the sparsest point that validation does not tell from dense, and what the test says of it."""
    rows = [
        [point.series, f"{100 * point.density:.1f} %", _told(point, "validated"), _told(point, "to_dense")]
        for point in chosen_of(points_of(study_outcomes()))
    ]
    return _table(("what", "weights kept", "validation, to dense: by which it was chosen", "test, to dense"), rows)


def compared_table() -> str:
    """Return the differences between structures that the text speaks of, as one family of comparisons."""
    points = {_key(point): point for point in points_of(study_outcomes())}
    levels = {key[:2]: key for key in points}
    pairs = [(levels[one, at], levels[other, at]) for one, other in _COMPARED for at in (3, 6, 9)]
    pairs += [((one, 1, kept), (other, 1, kept)) for one, other in _DYNAMIC for kept in (40, 10)]
    pairs += _ALONE
    found = compared([(points[one], points[other]) for one, other in pairs])
    rows = [
        [f"{_name(points[one])} less {_name(points[other])}", in_points(difference)]
        for (one, other), difference in zip(pairs, found, strict=True)
        if difference is not None
    ]
    return _table(("what", "test accuracy, points"), rows)


def coverage_table() -> str:
    """Return what each structure kept of the ticket it was given to, beside chance, and what the accuracy then lost."""
    rows = [
        [
            f"{point.series} at {100 * point.density:.0f} %",
            f"{100 * point.coverage:.1f} %",
            f"{100 * point.by_chance:.1f} %",
            in_points(point.difference),
        ]
        for point in coverage_points(study_outcomes())
    ]
    return _table(("what", "weights of the ticket kept", "by chance", "test, to the ticket"), rows)


MADE: Mapping[str, Callable[[], str]] = MappingProxyType(
    {"outcomes": outcomes_table, "chosen": chosen_table, "compared": compared_table, "coverage": coverage_table}
)
"""The tables of the document by the names in its marks."""


def rewritten(text: str) -> str:
    """Return the document with the tables of now between their marks. Raises: KeyError for a name that is none of `MADE`."""
    return _MARKED.sub(lambda mark: f"{mark[1]}{MADE[mark[2]]()}\n{mark[3]}", text)


def names(text: str) -> set[str]:
    """Return the names of the tables in the document."""
    return {mark[2] for mark in _MARKED.finditer(text)}


def _row(point: Point) -> list[str]:
    return [
        point.series,
        str(point.level or ""),
        f"{100 * point.density:.1f} %",
        f"{100 * point.channels:.0f} %",
        "" if point.blocks is None else f"{point.blocks:.0f}",
        f"{100 * point.mean:.2f} ({100 * point.low:.2f} to {100 * point.high:.2f})",
        _told(point, "to_dense"),
        _told(point, "validated"),
    ]


def _told(point: Point, name: str) -> str:
    difference = getattr(point, name)
    if difference is None:
        return ""
    return in_points(difference) + (", winning" if name == "to_dense" and point.wins else "")


def _key(point: Point) -> Key:
    return point.series, point.level, 10 * round(10 * point.density)


def _name(point: Point) -> str:
    return f"{point.series} at {100 * point.density:.0f} %"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *rows])


if __name__ == "__main__":
    DOCUMENT.write_text(rewritten(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
