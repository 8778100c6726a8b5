"""The worker processes: which are idle, whose they are, and which are let go."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from sparselab.runtime.broker.request import Request
from sparselab.runtime.pipes import Limits
from sparselab.runtime.worker import Worker

IDLE_SECONDS = 300.0
"""A worker that nobody needed for so long is let go, but for one that stands ready."""


@dataclass(frozen=True, eq=False)
class _Idle:
    worker: Worker
    owner: str
    """Whose files it has read; "" for one that has read what is nobody's secret alone."""
    since: float


class Fleet:
    """Warm workers for anybody. One that has read somebody's files works for nobody else afterwards.

    Processes are started and ended outside of its lock, by whoever asks.
    """

    def __init__(self, imports: tuple[str, ...]) -> None:
        self._imports = imports
        self._lock = threading.Lock()
        self._idle: list[_Idle] = []

    def take(self, request: Request) -> Worker:
        """Return a worker for a request, started if none fits."""
        if request.is_alone:  # its threads must be set before anything is loaded
            return Worker(Limits(threads=request.limits.threads), self._imports)
        with self._lock:
            found = self._fitting(request)
            if found is not None:
                self._idle.remove(found)
        return Worker(imports=self._imports) if found is None else found.worker

    def give(self, worker: Worker, request: Request, owner: str) -> None:
        """Take a worker back. owner: whose it is from now on."""
        if request.is_alone or request.is_stranger or worker.process_id is None:
            worker.close()
            return
        with self._lock:
            self._idle.append(_Idle(worker, owner, time.monotonic()))

    def owner_after(self, request: Request) -> str:
        """Return whose a worker is that has run a request."""
        return "" if request.is_public else request.owner

    def leave(self, owner: str) -> None:
        """End the workers of an owner who has gone."""
        self._let_go([item for item in self._snapshot() if item.owner == owner])

    def tend(self, most: int, *, is_short_of_memory: bool) -> None:
        """Let go the idle workers that are too many, or idle for long; keep one ready for anybody unless memory is short."""
        idle, now = self._snapshot(), time.monotonic()
        newest_first = sorted(idle, key=lambda item: item.since, reverse=True)
        keep = [item for item in newest_first if now - item.since < IDLE_SECONDS][: max(0, most)]
        ready = next((item for item in newest_first if item.owner == ""), None)
        if ready is not None and ready not in keep:
            keep = [*keep[: max(0, most - 1)], ready]
        if is_short_of_memory:
            keep = []
        self._let_go([item for item in idle if item not in keep])

    def make_ready(self) -> None:
        """Start a worker ahead of whoever comes, unless one stands ready."""
        if not any(item.owner == "" for item in self._snapshot()):
            worker = Worker(imports=self._imports)
            with self._lock:
                self._idle.append(_Idle(worker, "", time.monotonic()))

    @property
    def size(self) -> int:
        """How many are idle."""
        return len(self._idle)

    def close(self) -> None:
        """End every idle worker."""
        self._let_go(self._snapshot())

    def _fitting(self, request: Request) -> _Idle | None:
        owners = ("",) if request.is_public else (request.owner, "")
        fitting = [item for item in self._idle if item.owner in owners and item.worker.process_id is not None]
        return min(fitting, key=lambda item: (owners.index(item.owner), -item.since), default=None)

    def _snapshot(self) -> list[_Idle]:
        with self._lock:
            return list(self._idle)

    def _let_go(self, unwanted: list[_Idle]) -> None:
        with self._lock:
            still = [item for item in unwanted if item in self._idle]
            self._idle = [item for item in self._idle if item not in still]
        for item in still:
            item.worker.close()
