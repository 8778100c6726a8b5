"""Functions that tests run in worker processes; a worker imports them by name."""

from __future__ import annotations

import os
import time
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
