"""A pool of worker processes: every call answered once, a crash costs its own call, a large call waits for its memory."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from sparselab.core.errors import FileError, LimitError
from sparselab.runtime import pool
from sparselab.runtime.pool import PooledCall, run_pooled
from tests.runtime import tasks


def calls(*numbers: int) -> Iterator[PooledCall[int]]:
    return (PooledCall(number, tasks.double, (number,)) for number in numbers)


def test_every_call_is_answered_once_and_a_crash_or_an_error_costs_its_own() -> None:
    mixed = [*calls(*range(20)), PooledCall(-1, tasks.crash, ()), PooledCall(-2, tasks.wrong_file, ())]
    found = list(run_pooled(mixed, 2))
    answers = dict(found)
    assert len(found) == len(answers) == 22
    assert [answers[number] for number in range(20)] == list(range(0, 40, 2))
    assert isinstance(answers[-1], LimitError)
    assert isinstance(answers[-2], FileError)


def test_what_the_calls_raise_is_raised_and_no_process_is_left() -> None:
    before = set(psutil.Process().children())

    def broken() -> Iterator[PooledCall[int]]:
        yield from calls(1)
        raise OSError("the list broke off")

    with pytest.raises(OSError, match="broke off"):
        list(run_pooled(broken(), 1))
    stopped = run_pooled(calls(*range(1000)), 2)
    next(stopped)
    stopped.close()  # type: ignore[attr-defined]
    _, alive = psutil.wait_procs(set(psutil.Process().children()) - before, timeout=20)
    assert not alive


def test_no_more_calls_are_taken_than_run_and_wait_for_who_asks() -> None:
    taken: list[int] = []

    def counted() -> Iterator[PooledCall[int]]:
        for call in calls(*range(1000)):
            taken.append(call.key)
            yield call

    asked = run_pooled(counted(), 2)
    next(asked)
    time.sleep(1.0)
    assert len(taken) <= 2 * (4 + 1) + 1
    asked.close()  # type: ignore[attr-defined]


def test_a_large_call_runs_alone_where_memory_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "available_memory", lambda: 2**29)
    large = [PooledCall(number, tasks.brief, (0.2,), memory=2**30) for number in range(4)]
    starts = sorted(value for _, value in run_pooled(large, 2))
    assert all(later - earlier >= 0.2 for earlier, later in itertools.pairwise(starts))


def test_a_process_that_dies_once_costs_nothing(tmp_path: Path) -> None:
    assert list(run_pooled([PooledCall(1, tasks.dies_once, (str(tmp_path / "died"),))], 1)) == [(1, "done")]


def test_a_call_that_must_be_alone_has_no_other_beside_it_and_is_not_passed_over(tmp_path: Path) -> None:
    mixed = [
        PooledCall(number, tasks.noted, (str(tmp_path), str(number)), pool.ALONE if number % 4 == 1 else 0)
        for number in range(16)
    ]
    found = dict(run_pooled(mixed, 3))
    assert len(found) == 16
    assert [found[number] for number in range(1, 16, 4)] == [0, 0, 0, 0]
