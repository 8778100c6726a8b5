"""What the papers print, to stand beside what is measured here: a reference, never mixed with it."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from sparselab.core.data_files import PUBLISHED


@dataclass(frozen=True)
class Paper:
    """Where figures were printed, and what to bear in mind when reading them."""

    citation: str
    caveat: str


PAPERS: Mapping[str, Paper] = MappingProxyType(
    {
        "structure-lth": Paper(
            "Structure-LTH: Chen et al., ICML 2022, arXiv 2202.04736",
            "The times saved are relative to a slow dense baseline, at input sizes that the networks do not have. The released code "
            "returns the mask unchanged where it finds no block.",
        ),
        "dsb": Paper(
            "DSB: Jiang et al., NeurIPS 2022", "Figures from the abstract only: the tables were not available."
        ),
        "rigl": Paper(
            "RigL: Evci et al., ICML 2020",
            "Figures from the README and issue 8 of the authors' repository, google-research/rigl, not from the paper.",
        ),
    }
)


@dataclass(frozen=True)
class PublishedPoint:
    """One figure of one paper. Percents are from 0 to 100; None: the paper does not say.

    `dataset` and `model` bear this project's names where it has them ("imagenet->cifar10": pruned on one, trained further on
    the other). `level`: cycles of iterative pruning before. `remaining_percent`: weights kept / weights.
    `random_reinit_accuracy_percent`: of the same mask, trained from fresh random weights. `time_saved_percent`: 100 (1 -
    time / dense time). `note`: what holds of this figure alone; `caveat`: of all of its paper.
    """

    paper: str
    table: str
    dataset: str
    model: str
    method: str
    level: int | None
    remaining_percent: float | None
    accuracy_percent: float | None
    random_reinit_accuracy_percent: float | None
    time_saved_percent: float | None
    dense_accuracy_percent: float | None
    note: str
    caveat: str


def published(dataset: str | None = None, model: str | None = None) -> tuple[PublishedPoint, ...]:
    """Return the published figures of a data set, of a model, of both, or all of them, in the order of the papers.

    Example: >>> [point.accuracy_percent for point in published("cifar100", "vgg16-bn") if point.level == 9]
             [74.42, 67.25, 75.25]
    """
    return tuple(point for point in _points() if dataset in (None, point.dataset) and model in (None, point.model))


@cache
def _points() -> tuple[PublishedPoint, ...]:
    text = PUBLISHED.read_text(encoding="utf-8")
    return tuple(_point(row) for row in csv.DictReader(text.splitlines(), strict=True))


def _point(row: dict[str, str]) -> PublishedPoint:
    def number(column: str) -> float | None:
        return float(row[column]) if row[column] else None

    paper = PAPERS[row["paper"]]
    return PublishedPoint(
        paper=paper.citation,
        table=row["table"],
        dataset=row["dataset"],
        model=row["model"],
        method=row["method"],
        level=int(row["level"]) if row["level"] else None,
        remaining_percent=number("remaining_percent"),
        accuracy_percent=number("accuracy_percent"),
        random_reinit_accuracy_percent=number("random_reinit_accuracy_percent"),
        time_saved_percent=number("time_saved_percent"),
        dense_accuracy_percent=number("dense_accuracy_percent"),
        note=row["note"],
        caveat=paper.caveat,
    )
