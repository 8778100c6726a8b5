"""Session workers: one worker a session, and only the latest request counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from sparselab.core.errors import Cancelled, FileError
from sparselab.runtime import session_workers
from sparselab.runtime.session_workers import SessionWorker, SessionWorkers
from sparselab.runtime.worker import Worker, WorkerTask
from tests.runtime import tasks

MOST_SECONDS = 240.0
"""Nothing here takes so long: a task that is not over by then never will be."""


@pytest.fixture
def session_worker() -> Iterator[SessionWorker]:
    session_worker = SessionWorker(Worker())
    yield session_worker
    session_worker.close()


@pytest.fixture
def new_workers(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], SessionWorkers]]:
    """Session workers whose workers start in a moment, because they load nothing ahead."""
    monkeypatch.setattr(session_workers, "WARM_IMPORTS", ())
    opened: list[SessionWorkers] = []

    def new(most: int) -> SessionWorkers:
        opened.append(SessionWorkers(most))
        return opened[-1]

    yield new
    for all_workers in opened:
        all_workers.close()


def started(task: WorkerTask) -> WorkerTask:
    """Wait until the worker has begun: a cancel before that is another matter."""
    while task.progress is None and not task.done:
        task.wait(0.01)
    return task


def test_the_same_key_is_the_same_task(session_worker: SessionWorker) -> None:
    first = session_worker.request("a", tasks.double, 1)
    assert session_worker.request("a", tasks.double, 1) is first
    assert first.result() == 2
    assert session_worker.request("a", tasks.double, 1) is first, "what is done is not done again"
    other = session_worker.request("b", tasks.double, 2)
    assert other is not first
    assert other.result() == 4
    assert session_worker.request("a", tasks.double, 1) is not first, "only the last is remembered"


def test_a_newer_request_supersedes_the_one_that_runs(session_worker: SessionWorker) -> None:
    old = started(session_worker.request("old", tasks.polite))
    assert session_worker.is_busy
    new = session_worker.request("new", tasks.double, 21)
    assert old.done
    with pytest.raises(Cancelled):
        old.result()
    assert new.result() == 42
    assert not session_worker.is_busy


def test_one_that_does_not_listen_is_superseded_too(session_worker: SessionWorker) -> None:
    old = session_worker.request("old", tasks.stubborn)
    assert session_worker.request("new", tasks.double, 1).result() == 2
    with pytest.raises(Cancelled):
        old.result()


def test_cancel_gives_the_best_so_far_and_the_desk_goes_on(
    session_worker: SessionWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sparselab.runtime.worker._GRACE_SECONDS", 60.0)  # a busy machine takes more than half a second
    session_worker.cancel()
    task = started(session_worker.request("a", tasks.patient))
    session_worker.cancel()
    assert task.done
    assert str(task.result()).startswith("stopped early")
    session_worker.cancel()
    assert session_worker.request("a", tasks.patient) is task
    assert session_worker.request("b", tasks.double, 1).result() == 2


def test_forgetting_starts_the_same_key_anew(session_worker: SessionWorker) -> None:
    failed = session_worker.request("a", tasks.wrong_file)
    with pytest.raises(FileError):
        failed.result()
    assert session_worker.request("a", tasks.double, 1) is failed
    session_worker.forget()
    assert session_worker.request("a", tasks.double, 1).result() == 2


def test_sessions_work_side_by_side(new_workers: Callable[[int], SessionWorkers]) -> None:
    all_workers = new_workers(3)
    one, two = all_workers.session_worker("one"), all_workers.session_worker("two")
    assert one is not two
    assert all_workers.session_worker("one") is one
    long = started(one.request("a", tasks.polite))
    assert two.request("a", tasks.double, 1).result() == 2
    assert not long.done
    assert one.is_busy
    assert not two.is_busy


def test_room_is_made_by_the_one_idle_longest(new_workers: Callable[[int], SessionWorkers]) -> None:
    all_workers = new_workers(3)
    busy, recent, idle = (all_workers.session_worker(name) for name in ("busy", "recent", "idle"))
    task = started(busy.request("a", tasks.polite))
    all_workers.session_worker("recent")
    all_workers.session_worker("fourth")
    assert all_workers.session_worker("busy") is busy
    assert all_workers.session_worker("recent") is recent
    assert not task.done
    assert all_workers.session_worker("idle") is not idle


def test_a_desk_closed_while_busy_ends_its_task(new_workers: Callable[[int], SessionWorkers]) -> None:
    all_workers = new_workers(1)
    task = started(all_workers.session_worker("one").request("a", tasks.polite))
    all_workers.session_worker("two")
    assert task.wait(MOST_SECONDS), "whoever waits for it would wait for ever"
    with pytest.raises(Cancelled):
        task.result()


def test_leaving_closes_the_desk(new_workers: Callable[[int], SessionWorkers]) -> None:
    all_workers = new_workers(2)
    session_worker = all_workers.session_worker("one")
    task = started(session_worker.request("a", tasks.polite))
    all_workers.leave("one")
    all_workers.leave("one")
    all_workers.leave("nobody")
    assert task.wait(MOST_SECONDS)
    assert all_workers.session_worker("one") is not session_worker
    assert all_workers.session_worker("one").request("a", tasks.double, 1).result() == 2


def test_a_real_worker_is_warm() -> None:
    """The modules loaded ahead exist, and what they print or load does not disturb the answers."""
    all_workers = SessionWorkers(1)
    try:
        assert all_workers.session_worker("one").request("a", tasks.double, "x").result() == "xx"
    finally:
        all_workers.close()
