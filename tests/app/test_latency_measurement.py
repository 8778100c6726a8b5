"""The measurements of a visit, as values: asked for, ended, outdated, kept."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sparselab.app.latency.measurement import MOST_KEPT, Measurement, MeasurementPlan, State


def plan(key: str, tab: str = "layer") -> MeasurementPlan:
    return MeasurementPlan(tab=tab, key=key, calls=[], threads=1)


def test_one_goes_from_idle_over_running_to_done() -> None:
    start = Measurement()
    running = start.asked(plan("a"))
    done = running.ended({0: "found"})
    assert [one.state_of(plan("a")) for one in (start, running, done)] == [State.IDLE, State.RUNNING, State.DONE]
    assert done.kept == {"a": {0: "found"}}


def test_one_that_was_stopped_without_results_is_idle_again() -> None:
    stopped = Measurement().asked(plan("a")).ended({})
    assert stopped.state_of(plan("a")) is State.IDLE
    assert stopped.is_of(plan("a"))


def test_asked_for_again_it_runs_and_what_was_known_is_kept_until_there_is_more() -> None:
    first = Measurement().asked(plan("a")).ended({0: "old"})
    again = first.asked(plan("a"))
    assert again.state_of(plan("a")) is State.RUNNING
    assert again.name != first.name
    assert again.ended({}).kept == {"a": {0: "old"}}
    assert again.ended({0: "new"}).kept == {"a": {0: "new"}}


def test_a_changed_setting_outdates_what_its_own_tab_asked_for() -> None:
    running = Measurement().asked(plan("a"))
    assert running.is_outdated_by(plan("b"))
    assert not running.is_outdated_by(plan("a"))
    assert not running.is_outdated_by(plan("b", tab="map"))
    assert running.state_of(plan("a", tab="map")) is State.IDLE


@given(st.lists(st.tuples(st.integers(0, 20), st.booleans()), max_size=60))
def test_the_newest_results_are_kept_and_one_runs_at_most(asked: list[tuple[int, bool]]) -> None:
    now, expected = Measurement(), []
    for key, has_results in asked:
        now = now.asked(plan(str(key)))
        assert [k for k in range(21) if now.state_of(plan(str(k))) is State.RUNNING] == [key]
        now = now.ended({0: key} if has_results else {})
        if has_results:
            expected = [*(k for k in expected if k != key), key][-MOST_KEPT:]
        assert list(now.kept) == [str(k) for k in expected]
    assert now.number == len(asked)


def test_results_are_a_copy() -> None:
    results = {0: "found"}
    done = Measurement().asked(plan("a")).ended(results)
    results[1] = "later"
    assert done.kept["a"] == {0: "found"}
