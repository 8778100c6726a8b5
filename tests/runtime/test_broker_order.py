"""Whose turn it is, as laws over any mix of what waits and runs."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from sparselab.runtime.broker.job import Computation
from sparselab.runtime.broker.order import PATIENCE_SECONDS, in_order, next_to_begin
from sparselab.runtime.broker.request import Rank, Request
from tests.runtime import tasks

REQUESTS = st.builds(
    Request,
    owner=st.sampled_from("abcde"),
    call=st.just((tasks.double, (1,))),
    rank=st.sampled_from(Rank),
    is_alone=st.booleans(),
)
NOW = 1000.0


@st.composite
def works(draw: st.DrawFn, most: int = 8) -> list[Computation]:
    """What was asked within the last seconds, in the order of asking."""
    asked = sorted(draw(st.lists(st.floats(0, PATIENCE_SECONDS - 1), max_size=most)), reverse=True)
    return [Computation(number, draw(REQUESTS), NOW - ago) for number, ago in enumerate(asked)]


@given(works(), works(4), st.integers(1, 4), st.booleans())
def test_what_begins_waits_and_finds_a_slot(
    waiting: list[Computation], running: list[Computation], slots: int, is_crowded: bool
) -> None:
    work = next_to_begin(waiting, running, {}, slots=slots, now=NOW, is_crowded=is_crowded)
    if work is None:
        return
    assert work in waiting
    assert len(running) < slots or (work.request.is_alone and not running)
    assert not any(other.request.is_alone for other in running)
    assert not (work.request.is_alone and running)


@given(works(), st.integers(1, 4), st.booleans())
def test_an_idle_machine_always_begins_something(waiting: list[Computation], slots: int, is_crowded: bool) -> None:
    work = next_to_begin(waiting, [], {}, slots=slots, now=NOW, is_crowded=is_crowded)
    assert (work is None) == (not waiting)


@given(works(), works(4))
def test_nobodys_second_goes_before_anothers_first(waiting: list[Computation], running: list[Computation]) -> None:
    order = in_order(waiting, running, {}, NOW)
    at_work = Counter(work.request.owner for work in running)
    keys = [(work.request.rank, at_work[work.request.owner]) for work in order]
    assert keys == sorted(keys)
    assert Counter(order) == Counter(waiting)


@given(works())
def test_interactive_requests_begin_in_the_order_of_asking(waiting: list[Computation]) -> None:
    interactive = [work.number for work in in_order(waiting, [], {}, NOW) if work.request.rank is Rank.INTERACTIVE]
    assert interactive == sorted(interactive)


@given(works(), st.dictionaries(st.sampled_from("abcde"), st.integers(1, 9)))
def test_among_lists_the_owner_served_longest_ago_is_first(waiting: list[Computation], served: dict[str, int]) -> None:
    lists = [work for work in in_order(waiting, [], served, NOW) if work.request.rank is Rank.LIST]
    turns = [served.get(work.request.owner, 0) for work in lists]
    assert turns == sorted(turns)


@given(works())
def test_who_has_waited_long_goes_with_the_first(waiting: list[Computation]) -> None:
    old = Computation(-1, Request(owner="z", call=(tasks.double, (1,)), rank=Rank.LIST), NOW - PATIENCE_SECONDS - 1)
    first = in_order([*waiting, old], [], {}, NOW)[0]
    assert first is old


@given(works())
def test_what_nobody_asked_for_yet_goes_last_however_long_it_waits(waiting: list[Computation]) -> None:
    old = Computation(-1, Request(owner="z", call=(tasks.double, (1,)), rank=Rank.AHEAD), NOW - 10 * PATIENCE_SECONDS)
    ranks = [work.rank for work in in_order([*waiting, old], [], {}, NOW)]
    assert ranks == sorted(ranks)


@given(works(), works(4), st.integers(1, 4), st.booleans())
def test_what_nobody_asked_for_yet_runs_by_itself(
    waiting: list[Computation], running: list[Computation], slots: int, is_crowded: bool
) -> None:
    """So it makes nobody's worker start beside its own."""
    work = next_to_begin(waiting, running, {}, slots=slots, now=NOW, is_crowded=is_crowded)
    ranks = [other.rank for other in (*running, work) if other is not None]
    if work is not None and Rank.AHEAD in ranks:
        assert ranks == [Rank.AHEAD]


def test_one_slot_stays_free_of_lists_while_others_are_about() -> None:
    def work(number: int, rank: Rank) -> Computation:
        return Computation(number, Request(owner=str(number), call=(tasks.double, (1,)), rank=rank), NOW)

    running, waiting = [work(0, Rank.LIST)], [work(1, Rank.LIST)]
    assert next_to_begin(waiting, running, {}, slots=2, now=NOW, is_crowded=True) is None
    assert next_to_begin(waiting, running, {}, slots=2, now=NOW, is_crowded=False) is waiting[0]
    assert next_to_begin(waiting, running, {}, slots=3, now=NOW, is_crowded=True) is waiting[0]
    asked = work(2, Rank.INTERACTIVE)
    assert next_to_begin([*waiting, asked], running, {}, slots=2, now=NOW, is_crowded=True) is asked
