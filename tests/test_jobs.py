"""Desks: one worker a session, and only the latest request counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from sparselab import jobs
from sparselab.errors import Cancelled, FileError
from sparselab.isolate import Worker, WorkerTask
from sparselab.jobs import Desk, Desks
from tests import worker_tasks

MOST_SECONDS = 240.0
"""Nothing here takes so long: a task that is not over by then never will be."""


@pytest.fixture
def desk() -> Iterator[Desk]:
    desk = Desk(Worker())
    yield desk
    desk.close()


@pytest.fixture
def new_desks(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], Desks]]:
    """Desks whose workers start in a moment, because they load nothing ahead."""
    monkeypatch.setattr(jobs, "WARM_IMPORTS", ())
    opened: list[Desks] = []

    def new(most: int) -> Desks:
        opened.append(Desks(most))
        return opened[-1]

    yield new
    for desks in opened:
        desks.close()


def started(task: WorkerTask) -> WorkerTask:
    """Wait until the worker has begun: a cancel before that is another matter."""
    while task.progress is None and not task.done:
        task.wait(0.01)
    return task


def test_the_same_key_is_the_same_task(desk: Desk) -> None:
    first = desk.request("a", worker_tasks.double, 1)
    assert desk.request("a", worker_tasks.double, 1) is first
    assert first.result() == 2
    assert desk.request("a", worker_tasks.double, 1) is first, "what is done is not done again"
    other = desk.request("b", worker_tasks.double, 2)
    assert other is not first
    assert other.result() == 4
    assert desk.request("a", worker_tasks.double, 1) is not first, "only the last is remembered"


def test_a_newer_request_supersedes_the_one_that_runs(desk: Desk) -> None:
    old = started(desk.request("old", worker_tasks.polite))
    assert desk.is_busy
    new = desk.request("new", worker_tasks.double, 21)
    assert old.done
    with pytest.raises(Cancelled):
        old.result()
    assert new.result() == 42
    assert not desk.is_busy


def test_one_that_does_not_listen_is_superseded_too(desk: Desk) -> None:
    old = desk.request("old", worker_tasks.stubborn)
    assert desk.request("new", worker_tasks.double, 1).result() == 2
    with pytest.raises(Cancelled):
        old.result()


def test_cancel_gives_the_best_so_far_and_the_desk_goes_on(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sparselab.isolate.worker._GRACE_SECONDS", 60.0)  # a busy machine takes more than half a second
    desk.cancel()
    task = started(desk.request("a", worker_tasks.patient))
    desk.cancel()
    assert task.done
    assert str(task.result()).startswith("stopped early")
    desk.cancel()
    assert desk.request("a", worker_tasks.patient) is task
    assert desk.request("b", worker_tasks.double, 1).result() == 2


def test_forgetting_starts_the_same_key_anew(desk: Desk) -> None:
    failed = desk.request("a", worker_tasks.wrong_file)
    with pytest.raises(FileError):
        failed.result()
    assert desk.request("a", worker_tasks.double, 1) is failed
    desk.forget()
    assert desk.request("a", worker_tasks.double, 1).result() == 2


def test_sessions_work_side_by_side(new_desks: Callable[[int], Desks]) -> None:
    desks = new_desks(3)
    one, two = desks.desk("one"), desks.desk("two")
    assert one is not two
    assert desks.desk("one") is one
    long = started(one.request("a", worker_tasks.polite))
    assert two.request("a", worker_tasks.double, 1).result() == 2
    assert not long.done
    assert one.is_busy
    assert not two.is_busy


def test_room_is_made_by_the_one_idle_longest(new_desks: Callable[[int], Desks]) -> None:
    desks = new_desks(3)
    busy, recent, idle = (desks.desk(name) for name in ("busy", "recent", "idle"))
    task = started(busy.request("a", worker_tasks.polite))
    desks.desk("recent")
    desks.desk("fourth")
    assert desks.desk("busy") is busy
    assert desks.desk("recent") is recent
    assert not task.done
    assert desks.desk("idle") is not idle


def test_a_desk_closed_while_busy_ends_its_task(new_desks: Callable[[int], Desks]) -> None:
    desks = new_desks(1)
    task = started(desks.desk("one").request("a", worker_tasks.polite))
    desks.desk("two")
    assert task.wait(MOST_SECONDS), "whoever waits for it would wait for ever"
    with pytest.raises(Cancelled):
        task.result()


def test_leaving_closes_the_desk(new_desks: Callable[[int], Desks]) -> None:
    desks = new_desks(2)
    desk = desks.desk("one")
    task = started(desk.request("a", worker_tasks.polite))
    desks.leave("one")
    desks.leave("one")
    desks.leave("nobody")
    assert task.wait(MOST_SECONDS)
    assert desks.desk("one") is not desk
    assert desks.desk("one").request("a", worker_tasks.double, 1).result() == 2


def test_a_real_worker_is_warm() -> None:
    """The modules loaded ahead exist, and what they print or load does not disturb the answers."""
    desks = Desks(1)
    try:
        assert desks.desk("one").request("a", worker_tasks.double, "x").result() == "xx"
    finally:
        desks.close()
