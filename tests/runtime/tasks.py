"""Functions that tests run in worker processes; a worker imports them by name."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import numpy as np

from sparselab.core.errors import FileError
from sparselab.runtime.progress import Monitor


def double(value: Any, *, monitor: Monitor) -> Any:
    print("noise on standard output must not disturb the answer")
    return value * 2


def patient(*, monitor: Monitor) -> str:
    for step in range(2000):
        if monitor.is_cancelled:
            return f"stopped early at {step > 0}"
        monitor._report(_step(step))
        time.sleep(0.01)
    return "ran to the end"


def _step(step: int) -> Any:
    from sparselab.runtime.progress import Progress

    return Progress("counting", step, 2000)


def polite(*, monitor: Monitor) -> None:
    while True:
        monitor.progress("waiting")
        time.sleep(0.01)


def brief(seconds: float, *, monitor: Monitor) -> float:
    """Return when it began, on a clock that all processes share."""
    start = time.time()
    time.sleep(seconds)
    return start


def busy(seconds: float, *, monitor: Monitor) -> str:
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass
    return "done"


def counted(folder: str, *, monitor: Monitor) -> int:
    """Return how many times this was called with the folder."""
    calls = Path(folder) / "calls"
    with calls.open("a") as file:
        file.write("x")
    time.sleep(0.3)
    return len(calls.read_text())


def process_number(*, monitor: Monitor) -> int:
    return os.getpid()


def telling(*, monitor: Monitor) -> None:
    """Wait for ever, and tell the number of this process as how much is done."""
    while True:
        monitor.progress("waiting", os.getpid(), 2**32)
        time.sleep(0.01)


def stubborn(*, monitor: Monitor) -> None:
    while True:
        pass


def hungry(*, monitor: Monitor) -> int:
    return int(np.ones(2**31, dtype=np.float64).sum())


def wrong_file(*, monitor: Monitor) -> None:
    raise FileError("expected a mask; got a cat")


def defect(*, monitor: Monitor) -> None:
    raise KeyError("a bug of ours")


def crash(*, monitor: Monitor) -> None:
    os._exit(3)


def liar(*, monitor: Monitor) -> Any:
    import sys

    # Write to the pipe of answers directly, as code that took the worker over could.
    for descriptor in range(3, 20):
        try:
            os.write(descriptor, (5).to_bytes(8, "little") + b"\x80\x04N.x")
        except OSError:
            continue
    sys.stdout.flush()
    time.sleep(5)
    return None


def dies_once(path: str, *, monitor: Monitor) -> str:
    """End the process the first time, as the kernel does that lacks memory."""
    if not Path(path).exists():
        Path(path).touch()
        os._exit(9)
    return "done"


def noted(folder: str, name: str, *, monitor: Monitor) -> int:
    """Return how many others were at work in the folder, when this began or when it ended."""
    place = Path(folder) / name
    place.touch()
    others = len(list(Path(folder).iterdir())) - 1
    time.sleep(0.03)
    others = max(others, len(list(Path(folder).iterdir())) - 1)
    place.unlink()
    return others
