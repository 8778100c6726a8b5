"""Does a verdict mean what it says: equal things told apart, and a slowdown of 10 % found, each a hundred times.

    python -m benchmarks.control [--times 100] [--rounds 25]

Every time one kernel is timed beside itself, and beside itself followed by a wait of a tenth of the time it took, in turns exactly
as a session times its kernels. The dense product is prepared anew for each of the three, as in a session; blocks in C are prepared
once, because a second preparation may choose other tiles, which is a difference. Writes results/control.csv, a row a product.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.machine import write_rows
from sparselab.benchmarking.break_even import random_groups
from sparselab.benchmarking.lock import alone
from sparselab.benchmarking.statistics import speedup, summarise
from sparselab.benchmarking.timing import TimedRun, WallClock, take_turns
from sparselab.benchmarking.verdicts import Verdict, verdict_of
from sparselab.kernels import KERNELS
from sparselab.kernels.base import Run, Work, random_input

SLOWDOWN = 0.10
PRODUCTS = ((512, 1152, 256, "dense"), (512, 4608, 1024, "dense"), (512, 4608, 1024, "native-blocks"))


def slowed(run: Callable[[], object]) -> Callable[[], None]:
    """Return the run followed by a wait of a tenth of its own time."""

    def call() -> None:
        start = time.perf_counter_ns()
        run()
        until = start + (1 + SLOWDOWN) * (time.perf_counter_ns() - start)
        while time.perf_counter_ns() < until:
            pass

    return call


def trial(work: Work, kernel: str, rounds: int, seed: int) -> tuple[Verdict, Verdict, float]:
    """Return the verdicts on the equal and on the slowed product, and the spread of the first one's times."""
    x = random_input(work)

    def bound(run: Run) -> Callable[[], object]:
        return lambda: run(x)

    once = KERNELS[kernel].prepare(work)
    runs = [once if kernel != "dense" else KERNELS[kernel].prepare(work) for _ in range(3)]
    first, again, other = (bound(run) for run in runs)
    clock = WallClock()
    timed_runs = [
        TimedRun(key=(0, "hot"), name="one", call=first, clock=clock),
        TimedRun(key=(1, "hot"), name="again", call=again, clock=clock),
        TimedRun(key=(2, "hot"), name="slowed", call=slowed(other), clock=clock),
    ]
    taken = take_turns(timed_runs, rounds=rounds, seconds=600.0, seed=seed)
    base = taken.times[0, "hot"]
    told = [verdict_of(speedup(base, taken.times[who, "hot"], seed=seed), taken.rounds) for who in (1, 2)]
    summary = summarise(base)
    return told[0], told[1], (summary.p80 - summary.p20) / summary.median


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=25, help="of each time; a session of five seconds has 50 to 100")
    options = parser.parse_args()
    rows: list[dict[str, Any]] = []
    with alone():
        for height, cols, positions, kernel in PRODUCTS:
            layout = random_groups(height, cols, 32, 0.26)
            weight = np.random.default_rng(1).standard_normal((height, cols), dtype=np.float32)
            work = Work(layout, weight, (cols, positions))
            told = [trial(work, kernel, options.rounds, seed) for seed in range(options.times)]
            rows.append(
                {
                    "product": f"{height}x{cols}x{positions}",
                    "kernel": kernel,
                    "times": options.times,
                    "rounds": options.rounds,
                    "equal: no difference": sum(equal is Verdict.NO_DIFFERENCE for equal, _, _ in told),
                    "10 % slower: slower": sum(slow is Verdict.SLOWER for _, slow, _ in told),
                    "spread of one, median": round(float(np.median([spread for _, _, spread in told])), 4),
                }
            )
    write_rows("control", rows)


if __name__ == "__main__":
    main()
