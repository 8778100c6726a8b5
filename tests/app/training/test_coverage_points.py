"""Weights kept against accuracy after retraining: the study's own masks and differences, put into words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sparselab.app.training.coverage_points import CoveragePoint, coverage_points, coverage_sentences
from sparselab.formats import read_ticket
from sparselab.training.paired import Difference
from sparselab.training.runs.outcomes import study_outcomes

POINT = CoveragePoint(
    series="Regroup",
    level=3,
    density=0.5,
    coverage=0.6,
    by_chance=0.5,
    difference=Difference(mean=-0.002, margin=0.01, seeds=3),
)
WORSE = replace(POINT, coverage=0.4, difference=Difference(mean=-0.02, margin=0.01, seeds=3))


def test_a_point_holds_what_the_masks_and_the_trainings_say() -> None:
    outcomes = study_outcomes()
    points = coverage_points(outcomes)
    given = {(one.series, one.level) for one in outcomes if one.transformed and one.level}
    assert {(point.series, point.level) for point in points} == given
    regroup = next(point for point in points if (point.series, point.level) == ("Regroup", 9))
    mine = {one.seed: one for one in outcomes if (one.series, one.level) == ("Regroup", 9)}
    base = {one.seed: one for one in outcomes if (one.series, one.level) == ("IMP (unstructured)", 9)}
    lost = [mine[seed].test_accuracy - base[seed].test_accuracy for seed in mine]
    assert regroup.difference.mean == pytest.approx(sum(lost) / len(lost))
    assert mine[0].ticket is not None
    assert base[0].ticket is not None
    before, after = read_ticket(base[0].ticket), read_ticket(mine[0].ticket)
    kept = sum(layer.mask.count for layer in before)
    both = sum((before[name].mask & after[name].mask).count for name in before.names)
    assert regroup.coverage == both / kept
    assert regroup.by_chance < regroup.coverage


def test_the_words_follow_the_intervals() -> None:
    told = coverage_sentences([POINT, WORSE])
    assert "1 of 2 structures are a tie" in told
    assert "All that keep 40 % of its weights or fewer lose more than that, none that keeps 60 % or more does." in told
    assert "Regroup at 40 % came to -2.00 ± 1.00; Regroup at 60 % came to -0.20 ± 1.00, tie" in told
    crossed = coverage_sentences([replace(POINT, coverage=0.3), WORSE])
    assert "All that keep" not in crossed
    alone = replace(POINT, difference=Difference(mean=-0.02, margin=None, seeds=1))
    assert coverage_sentences([alone]).startswith("No intervals")
