"""A sweep on a cluster of processes over TCP: a scheduler and two workers of their own, a worker killed, then the scheduler.

    python -m benchmarks.cluster [--points 120] [--port 8799]

The scheduler and its workers are started by Dask's own commands, as on two machines, on loopback. While the sweep runs, a worker is
killed and another started; then the scheduler and all workers are killed and started again at the same address. Prints the seconds,
and fails unless the results are byte for byte those of this machine's pool.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from sparselab.formats import ReadOptions, read_ticket
from sparselab.runtime.child import python_environment
from sparselab.workflows.sweeps.executors import EXECUTORS
from sparselab.workflows.sweeps.folder import SweepFolder
from sparselab.workflows.sweeps.outline import Outline, files_at, plan_of
from sparselab.workflows.sweeps.plan import Plan
from sparselab.workflows.sweeps.running import run_sweep
from sparselab.workflows.sweeps.standing import Standing


class Cluster:
    """A scheduler and two workers, each a process; the nanny beside each worker is one as well."""

    def __init__(self, port: int, folder: Path) -> None:
        self.address = f"tcp://127.0.0.1:{port}"
        self._port, self._folder = port, folder
        self._processes: list[subprocess.Popen[bytes]] = []
        self.start()

    def start(self) -> None:
        """Start the scheduler and its workers."""
        self._begin(
            "dask_scheduler", "--host", "127.0.0.1", "--port", str(self._port), "--dashboard-address", "127.0.0.1:0"
        )
        for _ in range(2):
            self.start_worker()

    def start_worker(self) -> None:
        """Start one more worker: a process of one thread, which ends where the scheduler stays away."""
        self._begin(
            "dask_worker",
            self.address,
            "--nthreads",
            "1",
            "--no-nanny",
            "--dashboard-address",
            "127.0.0.1:0",
            "--death-timeout",
            "60",
        )

    def kill_worker(self) -> None:
        """Kill the worker that was started last."""
        self._kill(self._processes.pop())

    def kill(self) -> None:
        """Kill them all."""
        while self._processes:
            self._kill(self._processes.pop())

    def _begin(self, name: str, *arguments: str) -> None:
        command = [sys.executable, "-m", f"distributed.cli.{name}", *arguments, "--local-directory", str(self._folder)]
        if name == "dask_scheduler":
            command = command[:-2]
        environment = {**python_environment(), "OMP_NUM_THREADS": "1"}
        log = os.open(self._folder / "log.txt", os.O_APPEND | os.O_CREAT | os.O_WRONLY)
        self._processes.append(subprocess.Popen(command, env=environment, stdout=log, stderr=log))
        os.close(log)

    @staticmethod
    def _kill(process: subprocess.Popen[bytes]) -> None:
        process.kill()
        process.wait()


def plan_with(points: int, folder: Path) -> Plan:
    """Return a plan of so many points on two layers."""
    rng = np.random.default_rng(0)
    np.savez(folder / "net.npz", a=rng.random((128, 256)) < 0.2, b=rng.random((128, 256)) < 0.2)
    values = {"regroup": {"rows_per_group": (4, 8, 16), "refine": (True,), "refine_steps": (50,)}}
    outline = Outline(files_at(folder / "net.npz", ReadOptions()), values, tuple(range(-(-points // 6))))
    return plan_of(outline, read_ticket, print)


def results_of(folder: Path) -> dict[str, bytes]:
    """Return the results by name."""
    return {path.name: path.read_bytes() for path in (folder / "results").glob("*.json")}


def main() -> int:
    """Run it; return 0 where all results are equal."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=120)
    parser.add_argument("--port", type=int, default=8799)
    told = parser.parse_args()
    with tempfile.TemporaryDirectory() as text, contextlib.ExitStack() as stack:
        folder = Path(text)
        plan = plan_with(told.points, folder)
        start = time.perf_counter()
        run_sweep(plan, SweepFolder(folder / "embedded"), EXECUTORS["embedded"]("2"))
        print(f"embedded, 2 processes: {time.perf_counter() - start:.1f} s", flush=True)
        cluster = Cluster(told.port, folder)
        stack.callback(cluster.kill)

        def disturb(standing: Standing) -> None:
            if standing.done == standing.total // 4:
                cluster.kill_worker()
                cluster.start_worker()
                print(f"{standing.done} done: a worker killed, another started", flush=True)
            if standing.done == standing.total // 2:
                cluster.kill()
                cluster.start()
                print(f"{standing.done} done: everything killed and started again", flush=True)

        start = time.perf_counter()
        run_sweep(plan, SweepFolder(folder / "dask"), EXECUTORS["dask"](cluster.address), report=disturb)
        print(f"Dask, 2 workers over TCP: {time.perf_counter() - start:.1f} s", flush=True)
        same = results_of(folder / "dask") == results_of(folder / "embedded")
        print(f"{len(results_of(folder / 'dask'))} results, byte for byte the same: {same}")
        return int(not same)


if __name__ == "__main__":
    sys.exit(main())
