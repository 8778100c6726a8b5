"""A sweep on a Dask cluster: a worker killed, the scheduler lost, no workers, addresses that strangers could reach, TLS and none."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from sparselab.core.errors import SettingError, UnavailableError
from sparselab.workflows.sweeps.folder import SweepFolder
from sparselab.workflows.sweeps.on_dask import OnDask, on_dask
from sparselab.workflows.sweeps.running import run_sweep, standing_of
from sparselab.workflows.sweeps.scheduler_address import check_address, check_protocol, speaks_tls
from sparselab.workflows.sweeps.standing import Standing
from tests.workflows.sweeps.clusters import no_process_left, start
from tests.workflows.sweeps.small import inline, results_of, small_plan


def test_a_worker_killed_and_the_scheduler_started_again_at_first_without_workers(tmp_path: Path) -> None:
    plan = small_plan(tmp_path, transforms={"regroup": {"rows_per_group": tuple(range(1, 11)), "density": (0.1, 0.2)}})
    run_sweep(plan, SweepFolder(tmp_path / "inline"), inline)
    folder, said = SweepFolder(tmp_path / "dask"), list[str]()

    def disturb(standing: Standing) -> None:
        if standing.done == 5:
            psutil.Process(next(iter(clusters[0].workers.values())).pid).kill()
        if standing.done == 30 and len(clusters) == 1:
            clusters[0].close()
            clusters.append(stack.enter_context(start(int(address.rpartition(":")[2]), workers=0)))
        if standing.waits.startswith("no workers"):
            said.append(standing.waits)
            assert folder.waiting() == standing_of(plan, folder).waits == standing.waits
            clusters[1].scale(2)

    with no_process_left(), ExitStack() as stack:
        clusters = [stack.enter_context(start())]
        address = clusters[0].scheduler_address
        standing = run_sweep(plan, folder, on_dask(address), report=disturb)
    assert len(clusters) == 2
    assert (standing.left, standing.failed) == (0, 0)
    assert said[0] == f"no workers on {address}; start one with: dask worker {address} --nthreads 1"
    assert standing.waits == folder.waiting() == ""
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


TLS_REFUSAL, PLAIN, SILENT = b"\x15\x03\x03\x00\x02\x02\x28", (789).to_bytes(8, "little"), b""
"""What a listener answers. The length that begins a message of Dask without TLS may look like the first two bytes of a record."""


@contextmanager
def listener(answer: bytes) -> Iterator[int]:
    """Yield the port of a server on loopback that answers the first bytes of every connection so and closes it, or is silent."""
    held: list[socket.socket] = []

    def serve() -> None:
        while True:
            try:
                held.append(server.accept()[0])
            except OSError:  # it was closed
                return
            if answer:
                with suppress(OSError), held.pop() as connection:
                    connection.recv(2**16)
                    connection.sendall(answer)

    with ExitStack() as stack:
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        thread = threading.Thread(target=serve)
        thread.start()
        stack.callback(thread.join)
        stack.callback(server.shutdown, socket.SHUT_RDWR)
        yield server.getsockname()[1]
    for each in held:
        each.close()


def test_tcp_to_a_scheduler_with_tls_is_said_before_patience_ends(tmp_path: Path) -> None:
    with listener(TLS_REFUSAL) as port, pytest.raises(UnavailableError, match=rf"try tls://127\.0\.0\.1:{port}, with"):
        run_sweep(small_plan(tmp_path), SweepFolder(tmp_path / "out"), OnDask(f"tcp://127.0.0.1:{port}"))


@pytest.mark.parametrize(
    ("answer", "speaks", "refused"), [(TLS_REFUSAL, True, "tcp"), (PLAIN, False, "tls"), (SILENT, None, None)]
)
def test_who_speaks_the_other_protocol_is_refused_and_who_is_slow_is_not(
    answer: bytes, speaks: bool | None, refused: str | None
) -> None:
    with listener(answer) as port:
        assert speaks_tls("127.0.0.1", port) is speaks
        for scheme in ("tcp", "tls"):
            if scheme == refused:
                with pytest.raises(UnavailableError, match=r"with(out)? TLS; got .*: (try|start)"):
                    check_protocol(f"{scheme}://127.0.0.1:{port}")
            else:
                check_protocol(f"{scheme}://127.0.0.1:{port}")
    assert speaks_tls("127.0.0.1", port) is None, "nobody is there"
