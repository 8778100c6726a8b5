"""The table of docs/study.md, from the study's results: python -m benchmarks.study_table writes it anew."""

from __future__ import annotations

from pathlib import Path

from sparselab.training.runs.outcomes import Point, dense_of, points_of, study_outcomes

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "study.md"
_BEGIN, _END = "<!-- table: python -m benchmarks.study_table -->", "<!-- end of table -->"


def table() -> str:
    """Return a row a point: weights and channels kept, accuracy of three seeds, and the difference to dense."""
    outcomes = study_outcomes()
    dense = dense_of(outcomes, study=True)
    if dense is None:
        return ""
    lines = [
        "| what | level | weights kept | channels kept | blocks | test accuracy: mean (least to most) | to dense |",
        "|---|---|---|---|---|---|---|",
    ]
    return "\n".join([*lines, *(_row(point, dense) for point in (dense, *points_of(outcomes)))])


def rewritten(text: str) -> str:
    """Return the document with the table of now between its marks."""
    head, rest = text.split(_BEGIN)
    return f"{head}{_BEGIN}\n{table()}\n{_END}{rest.split(_END)[1]}"


def _row(point: Point, dense: Point) -> str:
    blocks = "" if point.blocks is None else f"{point.blocks:.0f}"
    right = f"{100 * point.mean:.2f} ({100 * point.low:.2f} to {100 * point.high:.2f})"
    level = str(point.level or "")
    return (
        f"| {point.series} | {level} | {100 * point.density:.1f} % | {100 * point.channels:.0f} % | {blocks} | {right} "
        f"| {100 * (point.mean - dense.mean):+.2f}{' winning' if point.wins and point is not dense else ''} |"
    )


if __name__ == "__main__":
    DOCUMENT.write_text(rewritten(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
