"""Progress out, cancel in, and how long each stage took."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sparselab.core.errors import Cancelled


@dataclass(frozen=True)
class Progress:
    """Where a long piece of work stands: `done` of `total` steps of `stage` (total 0: unknown)."""

    stage: str
    done: int = 0
    total: int = 0

    @property
    def fraction(self) -> float | None:
        return min(1.0, self.done / self.total) if self.total else None


class Monitor:
    """Carries progress out of long work and a cancel into it.

    `report` is called with every Progress; `cancelled` is asked whenever the work looks up. Loops that hold a usable
    partial answer read `is_cancelled` and return it; the others call `check`, which raises.
    """

    def __init__(
        self, report: Callable[[Progress], None] | None = None, cancelled: Callable[[], bool] | None = None
    ) -> None:
        self._report = report or (lambda _progress: None)
        self._cancelled = cancelled or (lambda: False)

    @property
    def is_cancelled(self) -> bool:
        return self._cancelled()

    def check(self) -> None:
        """Raise Cancelled if a cancel has come."""
        if self._cancelled():
            raise Cancelled("cancelled")

    def progress(self, stage: str, done: int = 0, total: int = 0) -> None:
        """Say where the work stands, and stop here if a cancel has come."""
        self._report(Progress(stage, done, total))
        self.check()


SILENT = Monitor()
"""A monitor that says nothing and is never cancelled."""


class Stages:
    """Seconds spent per stage of one piece of work, announced to its monitor."""

    def __init__(self, monitor: Monitor) -> None:
        self._monitor = monitor
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        self._monitor.progress(stage)
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - start
