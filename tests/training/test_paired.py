"""Intervals of paired differences: those of scipy for two trainings, of least squares for more, and corrected together."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from sparselab.training.paired import Difference, differences, in_points, margin_of


def table(rows: int, seeds: int, key: int) -> np.ndarray:
    return np.random.default_rng(key).normal(0.9, 0.01, (rows, seeds))


@given(st.integers(2, 12), st.integers(0, 2**16))
def test_of_two_trainings_it_is_the_paired_t_interval(seeds: int, key: int) -> None:
    one, other = table(2, seeds, key)
    oracle = stats.ttest_rel(one, other).confidence_interval(0.95)
    assert margin_of([one, other], 1) == pytest.approx((oracle.high - oracle.low) / 2)
    (found,) = differences({"a": dict(enumerate(one)), "b": dict(enumerate(other))}, [("a", "b")]).values()
    assert found.mean == pytest.approx((oracle.high + oracle.low) / 2)
    assert (found.verdict == "tie") == (stats.ttest_rel(one, other).pvalue >= 0.05)


@given(st.integers(2, 6), st.integers(2, 5), st.integers(1, 40), st.integers(0, 2**16))
def test_of_more_it_is_that_of_least_squares_with_a_term_for_each_seed(rows: int, seeds: int, m: int, key: int) -> None:
    values = table(rows, seeds, key)
    training, seed = np.divmod(np.arange(values.size), seeds)
    design = np.hstack([np.eye(rows)[training], np.eye(seeds)[seed][:, 1:]])
    fit, rest, rank, _ = np.linalg.lstsq(design, values.ravel(), rcond=None)
    contrast = np.zeros(design.shape[1])
    contrast[[0, 1]] = 1, -1
    freedom = values.size - rank
    error = np.sqrt(rest[0] / freedom * (contrast @ np.linalg.inv(design.T @ design) @ contrast))
    assert margin_of(values, m) == pytest.approx(stats.t.ppf(1 - 0.025 / m, freedom) * error)
    assert values[0].mean() - values[1].mean() == pytest.approx(fit @ contrast)


@given(st.integers(0, 2**16), st.floats(-0.2, 0.2))
def test_what_a_seed_adds_to_every_training_changes_nothing(key: int, added: float) -> None:
    values = table(5, 3, key)
    shifted = values + np.array([added, 0.0, -added / 2])
    assert margin_of(shifted, 4) == pytest.approx(margin_of(values, 4))


def test_intervals_of_a_family_hold_together() -> None:
    """Of 400 families of 20 differences that are all 0, at most about one in twenty has one that is called a difference."""
    rng = np.random.default_rng(0)
    wrong = 0
    for _ in range(400):
        values = rng.normal(size=(21, 3)) + rng.normal(size=3)
        found = differences(
            {row: dict(enumerate(each)) for row, each in enumerate(values.tolist())}, [(row, 0) for row in range(1, 21)]
        )
        wrong += any(each.verdict != "tie" for each in found.values())
    assert wrong <= 400 * 0.05 + 3 * np.sqrt(400 * 0.05 * 0.95)


def test_no_interval_is_no_verdict() -> None:
    assert margin_of([[0.9], [0.8]], 1) is None
    (one,) = differences({"a": {0: 0.9}, "b": {0: 0.8}}, [("a", "b")]).values()
    assert (one.mean, one.margin, one.verdict) == (pytest.approx(0.1), None, None)
    assert differences({"a": {0: 0.9}, "b": {1: 0.8}}, [("a", "b")]) == {}


def test_a_training_that_diverged_takes_its_own_pair_alone() -> None:
    values = {"a": {0: 0.9, 1: 0.8}, "b": {0: 0.8, 1: 0.7}, "c": {0: float("nan"), 1: 0.7}}
    found = differences(values, [("a", "b"), ("c", "b")])
    assert found == differences(values, [("a", "b")])


def test_better_follows_the_direction_of_the_metric() -> None:
    loss = Difference(mean=-0.2, margin=0.1, seeds=3, higher_is_better=False)
    assert loss.verdict == "better"
    assert in_points(loss, factor=1) == "-0.20 ± 0.10"
