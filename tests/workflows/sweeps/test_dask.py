"""A sweep on a Dask cluster: a worker killed, the scheduler lost and started again, addresses that strangers could reach."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from sparselab.core.errors import SettingError, UnavailableError
from sparselab.workflows.sweeps.folder import Standing, SweepFolder
from sparselab.workflows.sweeps.on_dask import OnDask, check_address, on_dask
from sparselab.workflows.sweeps.running import run_sweep
from tests.workflows.sweeps.clusters import no_process_left, start
from tests.workflows.sweeps.small import inline, results_of, small_plan


def test_a_worker_killed_and_the_scheduler_started_again(tmp_path: Path) -> None:
    plan = small_plan(tmp_path, transforms={"regroup": {"rows_per_group": tuple(range(1, 11)), "density": (0.1, 0.2)}})
    run_sweep(plan, SweepFolder(tmp_path / "inline"), inline)

    def disturb(standing: Standing) -> None:
        if standing.done == 5:
            psutil.Process(next(iter(clusters[0].workers.values())).pid).kill()
        if standing.done == 30:
            clusters[0].close()
            clusters.append(stack.enter_context(start(int(address.rpartition(":")[2]))))

    with no_process_left(), ExitStack() as stack:
        clusters = [stack.enter_context(start())]
        address = clusters[0].scheduler_address
        standing = run_sweep(plan, SweepFolder(tmp_path / "dask"), on_dask(address), report=disturb)
    assert len(clusters) == 2
    assert (standing.left, standing.failed) == (0, 0)
    assert results_of(tmp_path / "dask") == results_of(tmp_path / "inline")


@pytest.mark.parametrize(
    "address", ["tls://head:8786", "tls://10.0.0.1:1", "tcp://127.0.0.1:8786", "tcp://[::1]:8786", "tcp://localhost:1"]
)
def test_tls_and_this_machine_alone_are_taken(address: str) -> None:
    check_address(address)


@pytest.mark.parametrize(
    "address",
    [
        *(
            "tcp://10.0.0.1:8786",
            "tcp://head:8786",
            "tcp://0.0.0.0:8786",
            "head:8786",
            "8786",
            "",
            "ws://127.0.0.1:1",
            "tcp://127.0.0.1",
        ),
        *(
            "inproc://127.0.0.1/1/1",
            "tcp://127.0.0.1:99999999",
            "tcp://localhost.evil.example:1",
            "tcp://127.0.0.1@evil.example:1",
            "tcp://[::1:1",
        ),
    ],
)
def test_what_strangers_could_reach_is_refused(address: str) -> None:
    with pytest.raises(SettingError, match="TLS or an SSH tunnel"):
        on_dask(address)


@pytest.mark.parametrize(
    ("files", "says"), [(None, "got none"), ("missing.pem", "cannot be read"), ("no.pem", "cannot be read")]
)
def test_tls_without_certificates_is_said_at_once(files: str | None, says: str, tmp_path: Path) -> None:
    import dask
    import distributed  # noqa: F401 - whose configuration is Dask's only then

    (tmp_path / "no.pem").write_text("no certificate")
    path = None if files is None else str(tmp_path / files)
    told = {f"distributed.comm.tls.{key}": path for key in ("ca-file", "client.cert", "client.key")}
    with dask.config.set(told), pytest.raises(SettingError, match=f"{says}.*set DASK_CONFIG"):
        on_dask("tls://127.0.0.1:9")


def test_a_scheduler_that_is_not_there_is_said(tmp_path: Path) -> None:
    plan = small_plan(tmp_path)
    with pytest.raises(UnavailableError, match="the same command goes on"):
        run_sweep(plan, SweepFolder(tmp_path / "out"), OnDask("tcp://127.0.0.1:9", patience=0.0))
