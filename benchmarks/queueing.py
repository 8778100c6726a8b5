"""Sessions that each ask something new at the same moment: do all finish, in the order of asking, as fast as the workers allow?

    python -m benchmarks.queueing [--sessions 9 16 32] [--steps 1200] [--slots N] [--own] [--note TEXT]

Every session asks Explore's question about the sample `planted` under a seed of its own, refined for `--steps` steps on one thread,
which takes some seconds. The same question, under other seeds, runs alone before and after. With `--own` they ask as about a file of
their own: a worker that has read one works for nobody else, so that every session's first question starts one.

    alone_s       median seconds of a question that runs alone
    ideal_s       sessions x alone_s / slots
    whole_s       first question asked -> last one answered, workers that start meanwhile included
    ratio         whole_s / ideal_s
    out_of_order  looks, 50 a second, at which one had begun before another that had asked earlier

Prints the rows and adds them to benchmarks/results/queueing.csv.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from contextlib import closing
from typing import Any

from benchmarks.machine import RESULTS, machine
from sparselab.core.csv_text import read_rows, rows_csv
from sparselab.core.data_files import SAMPLE_MASKS
from sparselab.formats import ReadOptions
from sparselab.runtime.broker import Broker, Job, Request
from sparselab.runtime.pipes import Limits
from sparselab.workflows.explore import explore

_ALONE = 3
_LOOK_SECONDS = 0.02
_MOST_SECONDS = 600.0


def question(owner: str, seed: int, steps: int, *, is_own: bool) -> Request:
    """Return what one session asks: nobody else asks it. is_own: about a file of its own."""
    settings = {"refine": True, "refine_steps": steps, "refine_seconds": _MOST_SECONDS}
    call = (
        explore,
        (str(SAMPLE_MASKS / "planted.npz"), "conv.weight", "regroup", settings, seed, ReadOptions(), "cpu"),
    )
    return Request(owner=owner, call=call, limits=Limits(threads=1), key="" if is_own else f"seed {seed}")


def alone(broker: Broker, seed: int, steps: int, *, is_own: bool) -> float:
    """Return the seconds of one question while nobody else asks."""
    began = time.perf_counter()
    broker.submit(question("alone", seed, steps, is_own=is_own)).result()
    return time.perf_counter() - began


def together(broker: Broker, sessions: int, steps: int, *, is_own: bool) -> tuple[float, int, int]:
    """Let all sessions ask at once; return the seconds until all are answered, how many are, and the looks out of order."""
    began = time.perf_counter()
    jobs = [broker.submit(question(str(number), number, steps, is_own=is_own)) for number in range(sessions)]
    out_of_order = 0
    while not all(job.done for job in jobs) and time.perf_counter() - began < _MOST_SECONDS:
        out_of_order += not _in_order(jobs)
        time.sleep(_LOOK_SECONDS)
    return time.perf_counter() - began, sum(map(_is_answered, jobs)), out_of_order


def _in_order(jobs: list[Job]) -> bool:
    begun = [job.ahead is None for job in jobs]
    return begun == sorted(begun, reverse=True)


def _is_answered(job: Job) -> bool:
    return job.done and job.result() is not None


def measure(sessions: int, slots: int, steps: int, *, is_own: bool) -> dict[str, Any]:
    """Return a row of the table."""
    with closing(Broker(slots)) as broker:
        alone(broker, 1000, 1, is_own=is_own)  # the worker has loaded what it needs
        seconds = [alone(broker, 1001 + number, steps, is_own=is_own) for number in range(_ALONE)]
        whole, finished, out_of_order = together(broker, sessions, steps, is_own=is_own)
        seconds += [alone(broker, 2001 + number, steps, is_own=is_own) for number in range(_ALONE)]
    middle = statistics.median(seconds)
    ideal = sessions * middle / slots
    return {
        "sessions": sessions,
        "slots": slots,
        "own": is_own,
        "steps": steps,
        "alone_s": round(middle, 3),
        "alone_spread": round(max(seconds) / min(seconds) - 1, 3),
        "ideal_s": round(ideal, 2),
        "whole_s": round(whole, 2),
        "ratio": round(whole / ideal, 3),
        "finished": finished,
        "out_of_order": out_of_order,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, nargs="+", default=[9, 16, 32])
    parser.add_argument("--steps", type=int, default=1200)
    parser.add_argument("--slots", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--own", action="store_true")
    parser.add_argument("--note", default="")
    args = parser.parse_args()
    path = RESULTS / "queueing.csv"
    rows: list[dict[str, Any]] = list(read_rows(path.read_text(encoding="utf-8"))) if path.is_file() else []
    for sessions in args.sessions:
        here = machine()
        row = measure(sessions, args.slots, args.steps, is_own=args.own) | {"note": args.note} | here
        print("  ".join(f"{name} {value}" for name, value in row.items()), flush=True)
        rows.append(row)
        path.write_text(rows_csv(list(row), rows), encoding="utf-8")


if __name__ == "__main__":
    main()
