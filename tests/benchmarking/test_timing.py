"""Taking turns, with clocks that tell what they are told to."""

from __future__ import annotations

import pytest

from sparselab.benchmarking.statistics import FEWEST_ROUNDS
from sparselab.benchmarking.timing import Call, Clock, TimedRun, WallClock, take_turns, warm_up
from sparselab.core.errors import Cancelled
from sparselab.runtime.progress import Monitor


class ToldClock(Clock):
    """Says that every run takes `each` milliseconds, and keeps the order in which it was asked."""

    def __init__(self, each: float, name: str, asked: list[str]) -> None:
        self.each, self.name, self.asked = each, name, asked

    def milliseconds(self, run: Call, repeats: int) -> float:
        self.asked.append(self.name)
        return self.each


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sparselab.benchmarking.timing._WARM_UP_MS", 0.0)


def three(asked: list[str]) -> list[TimedRun]:
    clocks = {"a": ToldClock(0.5, "a", asked), "b": ToldClock(4.0, "b", asked), "c": ToldClock(1e-9, "c", asked)}
    return [
        TimedRun(key=(i, "hot"), name=name, call=lambda: None, clock=clock)
        for i, (name, clock) in enumerate(clocks.items())
    ]


@pytest.mark.usefixtures("quick")
def test_everybody_runs_once_a_round_in_an_order_that_changes() -> None:
    asked: list[str] = []
    taken = take_turns(three(asked), rounds=30, seconds=60, seed=3)
    assert taken.rounds == 30
    turns = asked[-90:]
    orders = ["".join(turns[i : i + 3]) for i in range(0, 90, 3)]
    assert {"".join(sorted(order)) for order in orders} == {"abc"}
    assert len(set(orders)) == 6
    assert taken.times[1, "hot"].tolist() == [4.0] * 30
    again: list[str] = []
    take_turns(three(again), rounds=30, seconds=60, seed=3)
    assert again == asked


@pytest.mark.usefixtures("quick")
def test_a_sample_is_long_enough_for_the_clock() -> None:
    taken = take_turns(three([]), rounds=8, seconds=60)
    assert taken.repeats == {(0, "hot"): 4, (1, "hot"): 1, (2, "hot"): 10_000}


@pytest.mark.usefixtures("quick")
def test_time_ends_it_but_not_before_there_are_enough_rounds() -> None:
    assert take_turns(three([]), rounds=1000, seconds=1e-9).rounds == FEWEST_ROUNDS


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(("looks", "rounds"), [(2, None), (40, 37)])
def test_a_cancel_keeps_enough_rounds_or_none(looks: int, rounds: int | None) -> None:
    left = iter(range(looks))
    monitor = Monitor(cancelled=lambda: next(left, None) is None)
    if rounds is None:
        with pytest.raises(Cancelled):
            take_turns(three([]), rounds=100, seconds=60, monitor=monitor)
    else:
        assert take_turns(three([]), rounds=100, seconds=60, monitor=monitor).rounds == rounds


def test_the_wall_clock_counts_repeats_and_not_the_first_run() -> None:
    runs: list[int] = []
    assert WallClock().milliseconds(lambda: runs.append(1), 5) > 0
    assert len(runs) == 6


def test_warm_up_runs_until_it_is_warm() -> None:
    runs: list[int] = []
    assert warm_up(TimedRun(key=(0, "hot"), name="a", call=lambda: runs.append(1), clock=WallClock())) > 1
    assert len(runs) >= 10
