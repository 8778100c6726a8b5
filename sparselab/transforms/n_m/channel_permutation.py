"""What the searches for a channel permutation share: their answer, and when to stop."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sparselab.core.errors import Cancelled
from sparselab.core.mask import IntVector
from sparselab.runtime.progress import Monitor


@dataclass(frozen=True)
class FoundPermutation:
    """A channel order, how many changes led there, and what ended the search: converged, escapes, seconds or cancel."""

    order: IntVector
    changes: int
    stopped: str


class Limit:
    """Tells a search that its time is over or somebody has cancelled; it then returns the best so far."""

    def __init__(self, seconds: float, monitor: Monitor) -> None:
        self._deadline = time.perf_counter() + seconds
        self._monitor = monitor

    def reached(self, done: int = 0, total: int = 0) -> str:
        """Return "seconds", "cancel", or nothing at all while the search may go on."""
        try:
            self._monitor.progress("permutation", done, total)
        except Cancelled:
            return "cancel"
        return "seconds" if time.perf_counter() > self._deadline else ""


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch use one thread here: for thousands of short steps, where waiting for a second one costs more than it does."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
