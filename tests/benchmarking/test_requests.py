"""Measuring from the outside: a process of its own, one at a time."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import numpy as np
import pytest

from sparselab.benchmarking.lock import alone
from sparselab.benchmarking.requests import Effort, MeasurementRequest, measure_isolated, measure_request
from sparselab.benchmarking.storage_paths import database_path
from sparselab.benchmarking.store import Store
from sparselab.core.errors import Cancelled
from sparselab.runtime.progress import Monitor, Progress


@pytest.fixture
def file(tmp_path: Path) -> str:
    kept = np.random.default_rng(0).random((32, 48)) < 0.3
    np.savez(tmp_path / "mask.npz", fc_mask=kept)
    return str(tmp_path / "mask.npz")


def test_it_runs_in_another_process_and_is_stored(file: str) -> None:
    said: list[str] = []
    request = MeasurementRequest(
        path=file, layer="fc", positions=16, kernels=("dense",), effort=Effort(rounds=8, seconds=0.1, threads=1)
    )
    found = measure_isolated(request, monitor=Monitor(lambda progress: said.append(progress.stage)))
    assert found.not_stored == ""
    assert found.session.threads == 1
    assert Store(database_path()).sessions() == (found.session,)
    assert said, "it says where it stands; which of its stages is heard depends on the machine"


@pytest.mark.usefixtures("quick")
def test_a_store_that_is_broken_costs_no_measurement(file: str) -> None:
    database_path().write_bytes(b"no database" * 100)
    found = measure_request(
        MeasurementRequest(
            path=file, layer="fc", positions=16, kernels=("dense",), effort=Effort(rounds=8, seconds=0.1)
        )
    )
    assert "Nothing was deleted" in found["not_stored"]
    assert found["session"]["rows"]


def test_one_at_a_time_and_the_wait_can_be_cancelled() -> None:
    said: list[Progress] = []
    entered, leave = threading.Event(), threading.Event()

    def hold() -> None:
        with alone():
            entered.set()
            leave.wait(30)

    holder = threading.Thread(target=hold)
    holder.start()
    assert entered.wait(30)
    with pytest.raises(Cancelled), alone(Monitor(said.append, lambda: len(said) > 1)):
        pytest.fail("two hold the lock")
    assert said[0].stage.startswith("waiting for another measurement")
    leave.set()
    holder.join()
    with alone(Monitor(cancelled=lambda: True)):
        pass


@pytest.mark.skipif(os.name != "posix", reason="kill -9 is of POSIX")
def test_the_lock_of_a_process_that_was_killed_is_free() -> None:
    import subprocess
    import sys

    code = "from sparselab.benchmarking.lock import alone\nwith alone():\n    print('held', flush=True); input()"
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    with pytest.raises(Cancelled), alone(Monitor(cancelled=lambda: True)):
        pytest.fail("two hold the lock")
    process.kill()
    process.communicate()
    with alone():
        pass
