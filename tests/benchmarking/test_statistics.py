"""What times say: never more than the noise allows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparselab.benchmarking.statistics import speedup, summarise
from sparselab.benchmarking.verdicts import Verdict, verdict_of
from sparselab.core.errors import SparselabError


def noise(seed: int, rounds: int, spread: float) -> tuple[np.ndarray, np.ndarray]:
    """Times of two equal kernels on a machine that is now fast, now slow, and sometimes stands still."""
    rng = np.random.default_rng(seed)
    machine = 1.0 + 0.3 * rng.random(rounds)
    bursts = 1.0 + 5.0 * (rng.random((2, rounds)) < 0.05)
    both = machine * bursts * np.exp(spread * rng.standard_normal((2, rounds)))
    return both[0], both[1]


def test_summary() -> None:
    found = summarise(np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]))
    assert (found.median, found.p20, found.p80, found.rounds) == (3.5, 2.0, 5.0, 6)
    assert found.is_noisy
    assert not summarise(np.full(5, 2.0)).is_noisy


def test_two_equal_kernels_hardly_ever_differ() -> None:
    said = [verdict_of(speedup(*noise(seed, 40, 0.03), seed=seed), 40) for seed in range(100)]
    assert said.count(Verdict.NO_DIFFERENCE) >= 95


def test_ten_percent_are_seen_through_the_noise() -> None:
    pairs = [noise(seed, 40, 0.03) for seed in range(100)]
    said = [verdict_of(speedup(dense, 1.1 * ours), 40) for dense, ours in pairs]
    assert said.count(Verdict.SLOWER) >= 95


@given(st.integers(4, 30), st.integers(0, 10_000), st.floats(0.2, 5.0))
def test_the_ratio_lies_in_its_interval_and_turns_with_its_sides(half: int, seed: int, factor: float) -> None:
    dense, ours = noise(seed, 2 * half + 1, 0.05)  # odd: an even number has two middle ratios, whose mean does not turn
    found = speedup(dense, factor * ours, seed=seed)
    assert found.low <= found.value <= found.high
    assert np.isclose(found.value, speedup(dense, ours).value / factor)
    assert np.isclose(found.value * speedup(factor * ours, dense).value, 1.0)
    assert found == speedup(dense, factor * ours, seed=seed)


def test_a_slow_minute_does_not_widen_the_interval() -> None:
    dense, ours = noise(1, 40, 0.005)
    slow = np.where(np.arange(40) < 20, 3.0, 1.0)
    drifting, steady = speedup(slow * dense, slow * ours), speedup(dense, ours)
    assert np.isclose(drifting.high - drifting.low, steady.high - steady.low)


def test_unequal_rounds_are_refused() -> None:
    with pytest.raises(SparselabError, match="equal numbers of rounds; got 3 and 2"):
        speedup(np.ones(3), np.ones(2))
