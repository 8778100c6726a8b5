"""A Dask cluster on this machine: its scheduler in this process, two worker processes, loopback alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psutil


def start(port: int = 0, workers: int = 2) -> Any:
    """Start a cluster; its `scheduler_address` is for whoever sweeps, and `scale(workers)` makes them as many."""
    from distributed import LocalCluster

    return LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        host="127.0.0.1",
        scheduler_port=port,
        dashboard_address="127.0.0.1:0",
        silence_logs=50,
    )


@contextmanager
def no_process_left() -> Iterator[None]:
    """See that what the block starts ends with it, but for the one process by which multiprocessing keeps its books."""
    before = psutil.Process().children(recursive=True)
    yield
    own = [each for each in psutil.Process().children(recursive=True) if each not in before]
    _, alive = psutil.wait_procs([each for each in own if not _keeps_books(each)], timeout=20)
    assert not alive


@contextmanager
def cluster() -> Iterator[str]:
    """Yield the address of a scheduler."""
    with no_process_left(), start() as found:
        yield found.scheduler_address


def _keeps_books(process: psutil.Process) -> bool:
    try:
        return "resource_tracker" in " ".join(process.cmdline())
    except psutil.Error:
        return False
