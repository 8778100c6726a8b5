"""Several workers on one list of calls, with results as they come."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

from sparselab.core.errors import SparselabError
from sparselab.runtime.pipes import Limits
from sparselab.runtime.progress import Progress
from sparselab.runtime.worker import Worker, WorkerTask

Call = tuple[Callable[..., Any], tuple[Any, ...]]
"""A function and its arguments."""

POOL_SIZE = max(1, min(4, os.cpu_count() or 1))


class WorkerPool:
    """Runs a list of calls on a few worker processes; `advance` collects what is done and hands out what is left.

    A call that fails leaves its exception as its result, so that one bad layer does not end the rest.
    """

    def __init__(self, size: int = POOL_SIZE, imports: tuple[str, ...] = ()) -> None:
        self._size = size
        self._imports = imports
        self._workers: list[Worker] = []
        self._running: dict[int, tuple[Worker, WorkerTask]] = {}
        self._calls: Sequence[Call] = ()
        self._next = 0
        self._threads = 1
        self.key: str | None = None
        self.results: dict[int, Any] = {}

    def start(self, key: str, calls: Sequence[Call], threads: int = 1) -> None:
        """Begin with a new list of calls, unless `key` is the one at work; what runs of another is stopped.

        threads: of each worker. One, unless the pool is a single worker: the pool is what uses the cores.
        """
        if self.key == key:
            return
        self.cancel()
        self._threads = threads
        self.key, self._calls, self._next, self.results = key, calls, 0, {}
        self.advance()

    def advance(self) -> None:
        """Collect finished calls, and give idle workers the next ones."""
        for index, (_, task) in list(self._running.items()):
            if task.done:
                del self._running[index]
                try:
                    self.results[index] = task.result()
                except Exception as error:
                    self.results[index] = error
                    if not isinstance(error, SparselabError):
                        print(error, file=sys.stderr, flush=True)  # a defect of ours: the operator's log says where
        while self._next < len(self._calls) and len(self._running) < self._size:
            worker = self._idle()
            function, arguments = self._calls[self._next]
            self._running[self._next] = (worker, worker.submit(function, *arguments))
            self._next += 1
        if not self._running:
            self.close()  # a second or two to start them again, against hundreds of megabytes held by every visitor

    @property
    def is_busy(self) -> bool:
        return bool(self._running)

    @property
    def is_one_worker(self) -> bool:
        """Whether its calls run one after another, so that the progress of one says where the pool stands."""
        return self._size == 1

    @property
    def progress(self) -> Progress | None:
        """Where the call that has run longest stands."""
        return next((task.progress for _, task in self._running.values()), None)

    @property
    def total(self) -> int:
        return len(self._calls)

    def cancel(self) -> None:
        """Stop: nothing more is handed out, what runs is ended; the results so far stay."""
        self._next = len(self._calls)
        for _, task in self._running.values():
            task.cancel()
        for _, task in self._running.values():
            task.wait()
        self._running.clear()
        self.close()

    def close(self) -> None:
        """End every worker."""
        for worker in self._workers:
            worker.close()
        self._workers.clear()

    def _idle(self) -> Worker:
        for worker in self._workers:
            if not worker.is_busy:
                return worker
        self._workers.append(Worker(Limits(threads=self._threads), self._imports))
        return self._workers[-1]
