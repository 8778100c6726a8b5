from collections.abc import Iterator

import numpy as np
import pytest

from sparselab.core.errors import Cancelled, FileError, LimitError, SparselabError
from sparselab.core.mask import Mask
from sparselab.runtime.pipes import GIB, Limits
from sparselab.runtime.worker import Worker, WorkerError, run_isolated
from tests.runtime import tasks


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    worker = Worker()
    yield worker
    worker.close()


def test_values_there_and_back(worker: Worker) -> None:
    assert worker.submit(tasks.double, 21).result() == 42
    assert np.array_equal(worker.submit(tasks.double, np.arange(5)).result(), 2 * np.arange(5))


def test_masks_travel_as_bits(worker: Worker) -> None:
    mask = Mask(np.eye(3, dtype=bool))
    task = worker.submit(tasks.double, [mask.packed])
    assert len(task.result()) == 2


def test_a_users_mistake_comes_back_as_itself(worker: Worker) -> None:
    with pytest.raises(FileError, match="expected a mask; got a cat"):
        worker.submit(tasks.wrong_file).result()


def test_a_defect_comes_back_with_its_traceback(worker: Worker) -> None:
    with pytest.raises(WorkerError, match="a bug of ours"):
        worker.submit(tasks.defect).result()


def test_progress_and_a_cancel_that_keeps_the_best_so_far(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sparselab.runtime.worker._GRACE_SECONDS", 60.0)  # a busy machine takes more than half a second
    task = worker.submit(tasks.patient)
    while task.progress is None:
        assert not task.wait(0.01)
    assert task.progress.stage == "counting"
    assert 0 <= (task.progress.fraction or 0) < 1
    task.cancel()
    assert task.result() == "stopped early at True"


def test_a_cancel_through_progress(worker: Worker) -> None:
    task = worker.submit(tasks.polite)
    task.wait(0.05)
    task.cancel()
    with pytest.raises(Cancelled):
        task.result()


def test_who_does_not_answer_a_cancel_is_ended_and_the_worker_goes_on(worker: Worker) -> None:
    task = worker.submit(tasks.stubborn)
    task.wait(0.05)
    task.cancel()
    with pytest.raises(Cancelled):
        task.result()
    assert worker.submit(tasks.double, 1).result() == 2


def test_one_task_at_a_time(worker: Worker) -> None:
    task = worker.submit(tasks.polite)
    with pytest.raises(RuntimeError, match="expected an idle worker"):
        worker.submit(tasks.double, 1)
    task.cancel()
    task.wait()


def test_a_crash_is_told_and_survived(worker: Worker) -> None:
    with pytest.raises(LimitError, match="ended unexpectedly"):
        worker.submit(tasks.crash).result()
    assert worker.submit(tasks.double, 1).result() == 2


def test_limits() -> None:
    with pytest.raises(LimitError, match=r"more memory than the 0\.5 GiB"):
        run_isolated(tasks.hungry, limits=Limits(memory_bytes=GIB // 2))
    with pytest.raises(LimitError, match=r"after 0\.4 seconds"):
        run_isolated(tasks.stubborn, limits=Limits(wall_seconds=0.4))
    with pytest.raises(LimitError, match="1 seconds of CPU time"):
        run_isolated(tasks.stubborn, limits=Limits(cpu_seconds=1))


def test_what_a_worker_says_is_never_unpickled() -> None:
    with pytest.raises(SparselabError, match="unreadable"):
        run_isolated(tasks.liar, limits=Limits())


def test_closing_cancels_what_runs() -> None:
    worker = Worker()
    task = worker.submit(tasks.polite)
    worker.close()
    with pytest.raises(Cancelled):
        task.result()
    task.cancel()
    worker.close()


def test_workers_end_with_close() -> None:
    worker = Worker()
    process = worker._process
    assert process is not None
    worker.close()
    assert process.wait(), "ended, and not by itself"
