"""What trainings came to: seeds are averaged, series told apart, winners judged by the dense network beside them."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pytest

from sparselab.core.data_files import STUDY
from sparselab.core.errors import FileError
from sparselab.training.runs.outcomes import Outcome, series_of, study_outcomes
from sparselab.training.runs.points import chosen_of, dense_of, points_of

BASE = Outcome(
    run="r",
    stage="level-00",
    series="IMP (unstructured)",
    method="imp",
    seed=0,
    level=0,
    transformed=False,
    kept=100,
    size=100,
    channels=10,
    channels_size=10,
    blocks=None,
    test_accuracy=0.9,
    validation_accuracy=0.9,
    seconds=1.0,
    ticket=None,
    study=True,
)


def test_seeds_are_one_point_and_the_spread_is_theirs() -> None:
    dense = [replace(BASE, seed=seed, test_accuracy=right) for seed, right in ((0, 0.90), (1, 0.92))]
    level = [replace(one, level=3, kept=51, test_accuracy=one.test_accuracy + 0.01) for one in dense]
    (point,) = points_of([*dense, *level])
    assert (point.mean, point.low, point.high, point.seeds) == (pytest.approx(0.92), 0.91, 0.93, 2)
    assert point.density == 0.51
    assert point.to_dense is not None
    assert (point.to_dense.verdict, point.wins) == ("better", True)
    assert dense_of(dense, study=True).mean == pytest.approx(0.91)  # type: ignore[union-attr]
    assert dense_of(dense, study=False) is None


def test_a_ticket_is_judged_only_by_the_dense_network_of_its_own_runs() -> None:
    ours = replace(BASE, study=False, kept=20, level=5, test_accuracy=0.85)
    assert points_of([BASE, ours])[0].to_dense is None, "nothing dense of its own to judge by"
    beside = points_of([BASE, ours, replace(BASE, study=False, test_accuracy=0.8)])[0]
    assert beside.to_dense is not None
    assert (beside.to_dense.mean, beside.to_dense.margin, beside.wins) == (pytest.approx(0.05), None, False), "one seed"


def outcomes(level: int, tests: dict[int, float], validations: dict[int, float] | None = None) -> list[Outcome]:
    kept = 100 - 10 * level
    return [
        replace(
            BASE,
            seed=seed,
            level=level,
            kept=kept,
            test_accuracy=right,
            validation_accuracy=(validations or tests)[seed],
        )
        for seed, right in tests.items()
    ]


DENSE = outcomes(0, {0: 0.90, 1: 0.92, 2: 0.91})


def test_a_mean_above_dense_within_its_interval_is_a_tie_and_no_winner() -> None:
    (point,) = points_of([*DENSE, *outcomes(3, {0: 0.93, 1: 0.91, 2: 0.92})])
    assert point.mean > 0.91
    assert point.to_dense is not None
    assert (point.to_dense.verdict, point.wins) == ("tie", False)


def test_a_point_is_chosen_by_validation_and_told_by_the_test() -> None:
    flat = {0: 0.90, 1: 0.92, 2: 0.91}
    far = {seed: value - 0.1 for seed, value in flat.items()}
    good_in_test = outcomes(5, flat, far)
    good_in_validation = outcomes(4, far, flat)
    (chosen,) = chosen_of(points_of([*DENSE, *outcomes(2, flat), *good_in_validation, *good_in_test]))
    assert (chosen.level, chosen.to_dense and chosen.to_dense.verdict) == (4, "worse")


def test_blocks_only_where_all_have_some() -> None:
    one, two = (replace(BASE, seed=seed, kept=50, blocks=blocks) for seed, blocks in ((0, 8), (1, 10)))
    assert points_of([one, two])[0].blocks == 9
    assert points_of([one, replace(two, blocks=None)])[0].blocks is None


@pytest.mark.parametrize(
    ("then", "name"),
    [
        (None, "RigL"),
        ({"transform": "regroup", "settings": {}}, "Regroup"),
        ({"transform": "regroup", "settings": {"refine": True}}, "Regroup, refined"),
        ({"transform": "regroup", "settings": {"rows_per_group": 16}}, "Regroup, rows per group 16"),
        ({"transform": "refill-plus", "settings": {"rho": 0.25}}, "Refill+"),
        ({"transform": "n-m", "settings": {"n": 1}}, "N:M 1:4"),
    ],
)
def test_names_of_series(then: dict | None, name: str) -> None:
    assert series_of("rigl", then) == name


def test_a_damaged_table_is_said_and_an_absent_one_is_empty(tmp_path: Path) -> None:
    assert study_outcomes(tmp_path / "none.csv") == ()
    (tmp_path / "bad.csv").write_text("run,kept\nx,many\n")
    with pytest.raises(FileError, match="damaged"):
        study_outcomes(tmp_path / "bad.csv")


def test_the_study_that_comes_with_the_project_is_whole() -> None:
    found = study_outcomes()
    with STUDY.open(newline="", encoding="utf-8") as file:
        assert len(found) == len(list(csv.DictReader(file)))
    assert {one.seed for one in found} == {0, 1, 2}
    imp = [one for one in found if one.series == "IMP (unstructured)"]
    assert all(one.kept == round(0.8**one.level * one.size) for one in imp), "round(0.8^level N), exactly"
    assert all(one.ticket is not None for one in found if one.seed == 0), "the tickets of the first seed are here"
    assert all(0.0 < one.test_accuracy < 1.0 for one in found)
