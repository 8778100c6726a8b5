"""The broker: many sessions, few processes, nobody's running task taken."""

from __future__ import annotations

import errno
import gc
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from sparselab.core.errors import Cancelled, FileError, LimitError
from sparselab.runtime.broker import Broker, Job, JobList, Latest, Rank, Request
from sparselab.runtime.broker.fleet import Fleet
from sparselab.runtime.pipes import Limits
from tests.runtime import tasks

MOST_SECONDS = 240.0
"""Nothing here takes so long: what is not over by then never will be."""

NewBroker = Callable[..., Broker]


@pytest.fixture
def new_broker() -> Iterator[NewBroker]:
    """Brokers whose workers start in a moment, because they load nothing ahead."""
    opened: list[Broker] = []

    def new(slots: int = 2) -> Broker:
        opened.append(Broker(slots, imports=()))
        return opened[-1]

    yield new
    for broker in opened:
        broker.close()


def ask(broker: Broker, owner: str, function: Callable[..., object], *arguments: object, **how: object) -> Job:
    return broker.submit(Request(owner=owner, call=(function, arguments), **how))  # type: ignore[arg-type]


def begun(job: Job) -> Job:
    """Wait until the computation says where it stands."""
    deadline = time.monotonic() + MOST_SECONDS
    while job.progress is None and not job.done and time.monotonic() < deadline:
        job.wait(0.01)
    return job


def finished(job: Job) -> Job:
    assert job.wait(MOST_SECONDS)
    return job


def finish(jobs: JobList) -> None:
    deadline = time.monotonic() + MOST_SECONDS
    while jobs.is_busy and time.monotonic() < deadline:
        jobs.collect()
        time.sleep(0.01)


@pytest.mark.parametrize("sessions", [9, 16])
def test_more_sessions_than_workers_all_finish_and_nobodys_task_is_taken(new_broker: NewBroker, sessions: int) -> None:
    broker = new_broker(2)
    jobs = [ask(broker, str(number), tasks.brief, 0.1) for number in range(sessions)]
    for job in jobs:
        finished(job).result()
    assert broker.sizes[0] == 0


def test_what_waits_begins_in_the_order_of_asking(new_broker: NewBroker) -> None:
    broker = new_broker(1)
    jobs = [ask(broker, str(number), tasks.brief, 0.01) for number in range(8)]
    starts = [finished(job).result() for job in jobs]
    assert starts == sorted(starts)


def test_what_trainings_hold_is_left_to_them_but_one_runs_in_any_case() -> None:
    broker = Broker(2, imports=(), taken=lambda: 2)
    try:
        first = begun(ask(broker, "a", tasks.polite))
        second = ask(broker, "b", tasks.double, 1)
        assert not second.wait(0.5)
        first.cancel()
        assert finished(second).result() == 2
    finally:
        broker.close()


def test_places_in_line_count_down(new_broker: NewBroker) -> None:
    broker = new_broker(1)
    running = begun(ask(broker, "a", tasks.polite))
    waiting = [ask(broker, name, tasks.double, 1) for name in "bcd"]
    assert [job.ahead for job in waiting] == [0, 1, 2]
    assert running.ahead is None
    waiting[0].cancel()
    assert [job.ahead for job in waiting[1:]] == [0, 1]
    running.cancel()
    assert [finished(job).result() for job in waiting[1:]] == [2, 2]


def test_one_question_is_computed_once_for_all_who_ask(new_broker: NewBroker, tmp_path: object) -> None:
    broker = new_broker(2)
    jobs = [ask(broker, str(number), tasks.counted, str(tmp_path), key="the same") for number in range(20)]
    jobs[0].cancel()
    with pytest.raises(Cancelled):
        jobs[0].result()
    assert {finished(job).result() for job in jobs[1:]} == {1}


def test_what_all_have_given_up_ends(new_broker: NewBroker) -> None:
    broker = new_broker(1)
    jobs = [ask(broker, name, tasks.polite, key="shared") for name in "ab"]
    begun(jobs[0])
    jobs[0].cancel()
    assert jobs[0].done
    assert not jobs[1].done
    jobs[1].cancel()
    with pytest.raises(Cancelled):
        finished(jobs[1]).result()
    again = ask(broker, "c", tasks.double, 4, key="shared")
    assert finished(again).result() == 8, "who comes after gets a computation of the own"


def test_who_has_read_somebodys_files_works_for_nobody_else(new_broker: NewBroker) -> None:
    broker = new_broker(1)
    mine = [finished(ask(broker, "a", tasks.process_number)).result() for _ in range(2)]
    assert mine[0] == mine[1]
    assert finished(ask(broker, "b", tasks.process_number)).result() != mine[0]
    assert finished(ask(broker, "c", tasks.process_number, key="public")).result() != mine[0]


def test_what_is_nobodys_secret_shares_workers(new_broker: NewBroker) -> None:
    broker = new_broker(1)
    numbers = {finished(ask(broker, name, tasks.process_number, key=name)).result() for name in "abcd"}
    assert len(numbers) == 1


def test_who_has_read_a_strangers_file_is_ended(new_broker: NewBroker) -> None:
    broker = new_broker(1)
    number = finished(ask(broker, "a", tasks.process_number, is_stranger=True)).result()
    assert finished(ask(broker, "a", tasks.process_number)).result() != number
    _, alive = psutil.wait_procs([psutil.Process(number)] if psutil.pid_exists(number) else [], timeout=MOST_SECONDS)
    assert not alive


def test_limits_are_a_tasks_own(new_broker: NewBroker) -> None:
    broker = new_broker(1)
    with pytest.raises(LimitError, match=r"more memory than the 0\.5 GiB"):
        finished(ask(broker, "a", tasks.hungry, limits=Limits(memory_bytes=2**29))).result()
    with pytest.raises(LimitError, match="1 seconds of CPU time"):
        finished(ask(broker, "a", tasks.stubborn, limits=Limits(cpu_seconds=1))).result()
    for _ in range(3):  # what earlier tasks of the process have used is not held against a later one
        assert finished(ask(broker, "a", tasks.busy, 0.5, limits=Limits(cpu_seconds=1))).result() == "done"


def test_mistakes_defects_and_deaths_are_told_and_survived(new_broker: NewBroker) -> None:
    broker = new_broker(1)
    with pytest.raises(FileError, match="expected a mask"):
        finished(ask(broker, "a", tasks.wrong_file)).result()
    with pytest.raises(LimitError, match="ended unexpectedly"):
        finished(ask(broker, "a", tasks.crash)).result()
    assert finished(ask(broker, "a", tasks.double, 1)).result() == 2


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="processes cannot be stopped here")
def test_a_worker_stopped_from_outside_is_told_and_survived(new_broker: NewBroker) -> None:
    broker = new_broker(1)
    job = begun(ask(broker, "a", tasks.telling))
    assert job.progress is not None
    os.kill(job.progress.done, signal.SIGSTOP)
    with pytest.raises(LimitError, match="stopped from outside"):
        finished(job).result()
    assert finished(ask(broker, "a", tasks.double, 1)).result() == 2


def test_a_process_that_cannot_be_started_stops_nobody(new_broker: NewBroker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither one that is to stand ready, for which nobody waits, nor one that somebody waits for."""
    refused = threading.Event()

    def refuse(*_: object) -> None:
        refused.set()
        raise OSError(errno.EAGAIN, "no more processes")

    broker = new_broker(1)
    with monkeypatch.context() as patch:
        patch.setattr(Fleet, "make_ready", refuse)
        patch.setattr(Fleet, "take", refuse)
        assert refused.wait(MOST_SECONDS)
        with pytest.raises(LimitError, match="no more processes"):
            finished(ask(broker, "a", tasks.double, 1)).result()
    assert finished(ask(broker, "a", tasks.double, 2)).result() == 4


def test_a_measurement_runs_alone(new_broker: NewBroker) -> None:
    broker = new_broker(2)
    before = begun(ask(broker, "a", tasks.polite))
    alone = ask(broker, "b", tasks.brief, 0.2, is_alone=True)
    after = ask(broker, "c", tasks.brief, 0.0)
    assert not alone.wait(0.3), "what runs is awaited"
    assert not after.done, "and nothing new begins meanwhile"
    before.cancel()
    assert finished(alone).result() + 0.2 <= finished(after).result()


def test_an_owner_who_leaves_frees_the_place(new_broker: NewBroker) -> None:
    broker, gone = new_broker(1), threading.Event()
    running, waiting = begun(ask(broker, "a", tasks.polite)), ask(broker, "a", tasks.double, 1)
    broker.leave("a", gone.set)
    broker.leave("nobody")
    for job in (running, waiting):
        with pytest.raises(Cancelled):
            finished(job).result()
    assert gone.wait(MOST_SECONDS)
    assert finished(ask(broker, "b", tasks.double, 1)).result() == 2


def test_who_leaves_takes_nothing_from_those_who_joined(new_broker: NewBroker) -> None:
    broker, gone = new_broker(1), threading.Event()
    blocking = begun(ask(broker, "z", tasks.polite))
    first, joined = (ask(broker, name, tasks.double, 1, key="shared") for name in "ab")
    first.cancel()
    broker.leave("a", gone.set)
    assert gone.wait(MOST_SECONDS)
    blocking.cancel()
    assert finished(joined).result() == 2


def test_a_session_that_the_collector_clears_inside_of_any_method_stops_nobody(
    new_broker: NewBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The garbage collector may run a finaliser in any thread at any allocation, also where a lock is held."""
    broker = new_broker(1)
    real = Broker._begin

    def collecting(self: Broker) -> object:
        broker.leave("somebody")
        gc.collect()
        return real(self)

    monkeypatch.setattr(Broker, "_begin", collecting)
    assert finished(ask(broker, "a", tasks.double, 1)).result() == 2


def test_only_the_latest_question_counts(new_broker: NewBroker) -> None:
    latest = Latest(new_broker(1))
    old = begun(latest.ask("old", Request(owner="a", call=(tasks.polite, ()))))
    assert latest.ask("old", Request(owner="a", call=(tasks.polite, ()))) is old
    new = latest.ask("new", Request(owner="a", call=(tasks.double, (21,))))
    with pytest.raises(Cancelled):
        finished(old).result()
    assert finished(new).result() == 42
    latest.forget()
    assert latest.ask("new", Request(owner="a", call=(tasks.double, (1,)))) is not new


def test_lists_go_after_who_waits_and_keep_failures_as_results(new_broker: NewBroker) -> None:
    broker = new_broker(1)
    blocking = begun(ask(broker, "z", tasks.polite))
    jobs = JobList(broker, "a")
    jobs.start("k", [(tasks.double, (1,)), (tasks.wrong_file, ()), (tasks.brief, (0.0,))])
    jobs.start("k", [])
    asked = ask(broker, "b", tasks.brief, 0.0)
    assert jobs.is_busy
    assert jobs.total == 3
    assert jobs.ahead == 1, "the interactive request goes first"
    blocking.cancel()
    finish(jobs)
    assert jobs.results[0] == 2
    assert isinstance(jobs.results[1], FileError)
    assert finished(asked).result() < jobs.results[2]


def test_a_list_about_what_is_nobodys_secret_is_computed_once_for_all_who_ask(
    new_broker: NewBroker, tmp_path: Path
) -> None:
    broker = new_broker(2)
    folders = [tmp_path / name for name in "xy"]
    for folder in folders:
        folder.mkdir()
    calls = [(tasks.counted, (str(folder),)) for folder in folders]
    lists = {owner: JobList(broker, owner) for owner in "abc"}
    for owner, jobs in lists.items():
        jobs.start("the same", calls, is_public=owner != "c")
    lists["b"].cancel()  # who gives up takes nothing from the others
    for owner in "ac":
        finish(lists[owner])
    assert [len((folder / "calls").read_text()) for folder in folders] == [2, 2]
    assert set(lists["a"].results) == set(lists["c"].results) == {0, 1}


def test_what_nobody_asked_for_yet_goes_last_until_somebody_asks(new_broker: NewBroker) -> None:
    broker = new_broker(1)
    blocking = begun(ask(broker, "z", tasks.polite))
    ahead = [ask(broker, "ahead", tasks.brief, 0.0, rank=Rank.AHEAD, key=key) for key in "xy"]
    listed = ask(broker, "a", tasks.brief, 0.0, rank=Rank.LIST)
    joined = ask(broker, "b", tasks.brief, 0.0, key="y")
    blocking.cancel()
    starts = [finished(job).result() for job in (joined, listed, ahead[0])]
    assert starts == sorted(starts)
    assert finished(ahead[1]).result() == starts[0]


def test_a_list_that_is_cancelled_keeps_what_it_has(new_broker: NewBroker) -> None:
    broker = new_broker(1)
    jobs = JobList(broker, "a")
    jobs.start("k", [(tasks.double, (1,)), *[(tasks.polite, ())] * 3])
    deadline = time.monotonic() + MOST_SECONDS
    while not jobs.results and time.monotonic() < deadline:
        jobs.collect()
    jobs.cancel()
    assert not jobs.is_busy
    assert jobs.results == {0: 2}
    assert finished(ask(broker, "a", tasks.double, 1, rank=Rank.LIST)).result() == 2


def test_once_the_last_has_gone_one_worker_stands_ready(new_broker: NewBroker) -> None:
    broker = new_broker(2)
    for job in [ask(broker, owner, tasks.brief, 0.2, key=owner) for owner in "ab"]:
        finished(job)
    for owner in "ab":
        broker.leave(owner)
    deadline = time.monotonic() + MOST_SECONDS
    while broker.sizes != (0, 0, 1) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert broker.sizes == (0, 0, 1)
