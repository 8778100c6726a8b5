"""Times of several runs, taken in turns: A B C, then C A B, then B C A, ...

Our own and no library's: torch.utils.benchmark, pyperf and triton.testing time one run after the other, so that a clock that
slows down or a neighbour that wakes up in between reads as a difference between them.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sparselab.benchmarking.statistics import FEWEST_ROUNDS
from sparselab.core.errors import Cancelled
from sparselab.runtime.progress import SILENT, Monitor

Call = Callable[[], object]
Key = tuple[int, str]

SAMPLE_MS = 2.0
"""A sample repeats a run until it lasts this long: a clock's tick and a call's overhead vanish in it."""

_WARM_UP_RUNS = 5
_WARM_UP_MS = 50.0
_MOST_REPEATS = 10_000


class Clock(ABC):
    """How long runs take on a device."""

    @abstractmethod
    def milliseconds(self, run: Call, repeats: int) -> float:
        """Return the mean time of `repeats` runs in succession, after one that is not counted."""


class WallClock(Clock):
    """The processor's clock: what a call takes until it returns."""

    def milliseconds(self, run: Call, repeats: int) -> float:
        run()
        start = time.perf_counter_ns()
        for _ in range(repeats):
            run()
        return (time.perf_counter_ns() - start) / 1e6 / repeats


@dataclass(frozen=True, kw_only=True)
class TimedRun:
    """A call and the clock that times it; `key` (who, under which condition) names its times, `name` is for people."""

    key: Key
    name: str
    call: Call
    clock: Clock


@dataclass(frozen=True, kw_only=True)
class Timings:
    """Times in milliseconds, one a round, by key; and how many runs made one sample."""

    times: Mapping[Key, NDArray[np.float64]]
    repeats: Mapping[Key, int]
    rounds: int
    seconds: float

    def conditions(self, who: int) -> tuple[str, ...]:
        """Return the conditions under which `who` was timed."""
        return tuple(condition for index, condition in self.times if index == who)


def warm_up(timed_run: TimedRun) -> int:
    """Run a timed run until it is warm; return how many runs make a sample of at least `SAMPLE_MS`."""
    spent, fastest = 0.0, float("inf")
    for done in range(_MOST_REPEATS):
        if done >= _WARM_UP_RUNS and spent >= _WARM_UP_MS:
            break
        start = time.perf_counter_ns()
        taken = timed_run.clock.milliseconds(timed_run.call, 1)
        spent += (time.perf_counter_ns() - start) / 1e6
        fastest = min(fastest, taken)
    return max(1, min(_MOST_REPEATS, int(np.ceil(SAMPLE_MS / max(fastest, 1e-6)))))


def take_turns(
    timed_runs: list[TimedRun], *, rounds: int, seconds: float, seed: int = 0, monitor: Monitor = SILENT
) -> Timings:
    """Warm every timed run up, then time all of them once a round, in a new random order every round.

    Stops after `rounds`, or after `seconds` of rounds but not before `FEWEST_ROUNDS` of them. A cancel after that many
    ends it with the rounds so far.

    Raises: Cancelled when a cancel comes before there are enough rounds for a verdict.
    """
    repeats = {}
    for done, timed_run in enumerate(timed_runs):
        monitor.progress(f"warming up {timed_run.name}", done, len(timed_runs))
        repeats[timed_run.key] = warm_up(timed_run)
    rng = np.random.default_rng(seed)
    times: dict[Key, list[float]] = {timed_run.key: [] for timed_run in timed_runs}
    start = time.perf_counter()
    done = 0
    while done < rounds:
        spent = time.perf_counter() - start
        enough = done >= FEWEST_ROUNDS
        if enough and spent >= seconds:
            break
        expected = int(done * seconds / max(spent, 1e-9)) if enough else rounds
        try:
            monitor.progress("timing in turns", done, max(done + 1, min(rounds, expected)))
        except Cancelled:
            if enough:
                break
            raise
        for index in rng.permutation(len(timed_runs)):
            timed_run = timed_runs[index]
            times[timed_run.key].append(timed_run.clock.milliseconds(timed_run.call, repeats[timed_run.key]))
        done += 1
    found = {key: np.array(values) for key, values in times.items()}
    return Timings(times=found, repeats=repeats, rounds=done, seconds=time.perf_counter() - start)
