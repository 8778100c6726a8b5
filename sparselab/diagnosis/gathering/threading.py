"""How many cores a process may use, and what a forward pass takes on one thread, on as many as cores, and on those in use."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from sparselab.benchmarking.timing import Call, TimedRun, WallClock, take_turns
from sparselab.diagnosis.evidence import Threads
from sparselab.runtime.progress import SILENT, Monitor

_QUOTA = Path("/sys/fs/cgroup/cpu.max")


def usable_cores() -> int:
    """Return how many cores this process may use: those it may run on, or fewer where its control group has a quota of time."""
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity is not None else os.cpu_count() or 1
    try:
        quota, period = _QUOTA.read_text(encoding="ascii").split()
        return min(cores, max(1, math.ceil(int(quota) / int(period))))
    except (OSError, ValueError):  # no control groups here, or no quota
        return cores


@dataclass(frozen=True)
class ThreadsClock(WallClock):
    """The processor's clock, with torch on `count` threads while it runs."""

    count: int

    def milliseconds(self, run: Call, repeats: int) -> float:
        before = torch.get_num_threads()
        torch.set_num_threads(self.count)
        try:
            return super().milliseconds(run, repeats)
        finally:
            torch.set_num_threads(before)


def thread_times(call: Callable[[], Any], *, rounds: int, seconds: float, monitor: Monitor = SILENT) -> Threads:
    """Return the median time of `call` on one thread, on as many as there are cores, and on as many as torch uses now."""
    used, cores = torch.get_num_threads(), usable_cores()
    counts = sorted({1, cores, used})
    runs = [
        TimedRun(key=(index, "hot"), name=f"on {count} threads", call=call, clock=ThreadsClock(count))
        for index, count in enumerate(counts)
    ]
    taken = take_turns(runs, rounds=rounds, seconds=seconds, monitor=monitor)
    medians = {count: float(sorted(taken.times[index, "hot"])[taken.rounds // 2]) for index, count in enumerate(counts)}
    return Threads(used=used, cores=cores, ms=medians)
