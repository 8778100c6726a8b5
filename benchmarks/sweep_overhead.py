"""What a sweep costs beside its work: many small tasks through each executor, against a bare loop over the same tasks.

    python -m benchmarks.sweep_overhead --tasks 10000 --dask-tasks 2000

Prints milliseconds a task beyond the bare loop's, and the peak of this process's memory at a tenth of the tasks and at the end. The
loop does what a worker does, and keeps nothing; so what is measured is the plan, the queue, the processes, and one file a result on
the disk with two fsyncs. One worker, because several hide what a task costs behind each other.
"""

from __future__ import annotations

import argparse
import contextlib
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import psutil

from sparselab.formats import ReadOptions, read_ticket
from sparselab.workflows.sweeps.compute import arguments_of, compute
from sparselab.workflows.sweeps.executors import EXECUTORS, Executor
from sparselab.workflows.sweeps.folder import SweepFolder
from sparselab.workflows.sweeps.outline import Outline, files_at, plan_of
from sparselab.workflows.sweeps.plan import Plan
from sparselab.workflows.sweeps.running import run_sweep
from sparselab.workflows.sweeps.standing import Standing


def plan_with(tasks: int, folder: Path) -> Plan:
    """A layer of 8 x 16, whose structure takes a few milliseconds to find, with as many seeds as tasks."""
    np.savez(folder / "tiny.npz", fc=np.random.default_rng(0).random((8, 16)) < 0.3)
    values = {"regroup": {"grouper": ("natural",), "rows_per_group": (4,)}}
    return plan_of(
        Outline(files_at(folder / "tiny.npz", ReadOptions()), values, tuple(range(tasks))), read_ticket, print
    )


def bare(plan: Plan) -> float:
    """Seconds a task of a loop that calls the worker's function, once it is warm."""
    points = list(plan.points())[:500]
    compute(*arguments_of(points[0]))
    start = time.perf_counter()
    for point in points:
        compute(*arguments_of(point))
    return (time.perf_counter() - start) / len(points)


def measure(plan: Plan, executor: Executor, folder: Path) -> tuple[float, int, int]:
    """Seconds a task from the first result on, and this process's bytes after a tenth and at the end."""
    process, seen = psutil.Process(), list[tuple[int, float, int]]()

    def look(standing: Standing) -> None:
        if standing.done in (1, standing.total // 10, standing.total):
            seen.append((standing.done, time.perf_counter(), process.memory_info().rss))

    run_sweep(plan, SweepFolder(folder), executor, report=look)
    (first, since, _), (_, _, early), *_, (last, until, late) = seen
    return (until - since) / (last - first), early, late


@contextlib.contextmanager
def embedded() -> Iterator[Executor]:
    yield EXECUTORS["embedded"]("1")


@contextlib.contextmanager
def dask() -> Iterator[Executor]:
    from distributed import LocalCluster

    with LocalCluster(n_workers=1, threads_per_worker=1, host="127.0.0.1", dashboard_address="127.0.0.1:0") as cluster:
        yield EXECUTORS["dask"](cluster.scheduler_address)


WAYS: dict[str, Callable[[], contextlib.AbstractContextManager[Executor]]] = {"embedded": embedded, "dask": dask}


def main() -> None:
    """Print a line an executor."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=int, default=10_000)
    parser.add_argument("--dask-tasks", type=int, default=10_000)
    told = parser.parse_args()
    for name, way in WAYS.items():
        with tempfile.TemporaryDirectory() as text, way() as executor:
            folder = Path(text)
            plan = plan_with(told.tasks if name == "embedded" else told.dask_tasks, folder)
            each = bare(plan)
            found, early, late = measure(plan, executor, folder / "out")
            print(
                f"{name}: {1000 * (found - each):.2f} ms a task beyond the {1000 * each:.2f} ms of a bare loop; "
                f"memory {early / 2**20:.0f} MiB after a tenth, {late / 2**20:.0f} MiB at the end",
                flush=True,
            )


if __name__ == "__main__":
    main()
