"""The papers' figures: every row parses, says where it stands, and is possible."""

from __future__ import annotations

import csv
import dataclasses

import pytest

from sparselab.core.data_files import PUBLISHED
from sparselab.training.models import MODELS
from sparselab.training.paper_results import PAPERS, published
from sparselab.training.tasks import TASKS

PERCENTS = (
    "remaining_percent",
    "accuracy_percent",
    "random_reinit_accuracy_percent",
    "time_saved_percent",
    "dense_accuracy_percent",
)


def test_every_row_of_the_file_is_a_point_that_says_where_it_was_printed() -> None:
    rows = list(csv.DictReader(PUBLISHED.read_text("utf-8").splitlines(), strict=True))
    assert len(rows) == len(published()) == 132
    for row, point in zip(rows, published(), strict=True):
        assert point.paper == PAPERS[row["paper"]].citation
        assert point.table
        assert point.method
        assert point.caveat
        values = [getattr(point, name) for name in PERCENTS]
        assert all(value is None or 0 <= value <= 100 for value in values)
        assert any(value is not None for value in values) or point.note, "a row that says nothing"
        assert point.level is None or 1 <= point.level <= 20


@pytest.mark.parametrize("name", PAPERS)
def test_every_paper_has_figures_and_a_word_of_care(name: str) -> None:
    assert PAPERS[name].caveat
    assert any(point.paper == PAPERS[name].citation for point in published())


def test_no_figure_stands_there_twice() -> None:
    points = [dataclasses.replace(point, note="") for point in published() if point.accuracy_percent is not None]
    twice = {point for point in points if points.count(point) > 1}
    assert not twice


def test_iterative_pruning_keeps_four_fifths_of_what_is_kept() -> None:
    for point in published():
        if point.method == "imp" and point.level is not None and point.remaining_percent is not None:
            assert point.remaining_percent == pytest.approx(100 * 0.8**point.level, abs=0.01)


def test_names_are_those_of_this_project() -> None:
    for point in published():
        assert set(point.dataset.split("->")) <= set(TASKS)
        assert point.model in {*MODELS, "various"}


def test_points_are_found_by_data_set_and_model() -> None:
    at_nine = {point.method: point.accuracy_percent for point in published("cifar100", "vgg16-bn") if point.level == 9}
    assert at_nine == {"imp": 74.42, "refill": 67.25, "regroup": 75.25}
    assert {point.dataset for point in published(dataset="cifar10")} == {"cifar10"}
    assert {point.model for point in published(model="wrn-22-2")} == {"wrn-22-2"}
    assert published("digits") == ()


def test_a_range_is_no_number() -> None:
    (point,) = [point for point in published("tiny-imagenet", "resnet50") if "range" in point.note]
    assert point.remaining_percent is None
    assert point.time_saved_percent is None
    assert "57.53-61.79" in point.note
