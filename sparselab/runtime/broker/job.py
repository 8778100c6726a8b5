"""What who asks holds in hand: where the work stands, its answer, and a way to give it up."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from sparselab.core.errors import Cancelled
from sparselab.runtime.broker.request import Request
from sparselab.runtime.progress import Progress


class Computation:
    """One computation that waits or runs; the broker alone changes it. Several askers may wait for it.

    Its rank is the first of theirs.
    """

    def __init__(self, number: int, request: Request, asked_at: float) -> None:
        self.number = number
        self.request = request
        self.asked_at = asked_at
        self.rank = request.rank
        self.has_begun = False
        self.is_unwanted = False
        self.progress: Progress | None = None
        self.askers = [request.owner]
        self.process_id: int | None = None
        self.finished = threading.Event()
        self.value: Any = None
        self.error: Exception | None = None

    def finish(self, value: Any = None, error: Exception | None = None) -> None:
        if not self.finished.is_set():
            self.value, self.error = value, error
            self.finished.set()


class Job:
    """One asker's hold on a computation. Who cancels gives up only the own part in it: others still get their answer."""

    def __init__(
        self,
        work: Computation,
        owner: str,
        place: Callable[[Computation], int],
        give_up: Callable[[Computation, str], None],
    ) -> None:
        self._work = work
        self._owner = owner
        self._place = place
        self._give_up = give_up
        self._is_cancelled = False

    @property
    def done(self) -> bool:
        return self._work.finished.is_set() or (self._is_cancelled and bool(self._work.askers))

    @property
    def progress(self) -> Progress | None:
        """Where the computation stands; None before it has begun to say so."""
        return self._work.progress

    @property
    def ahead(self) -> int | None:
        """How many computations come before this one; None once it has begun."""
        return None if self._work.has_begun or self.done else self._place(self._work)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it is done or `timeout` seconds have passed; return whether it is done."""
        if self._is_cancelled and self._work.askers:
            return True
        return self._work.finished.wait(timeout)

    def result(self) -> Any:
        """Wait for the value. Raises what the function raised, LimitError, Cancelled, or WorkerError."""
        if self._is_cancelled and self._work.askers:
            raise Cancelled("cancelled")
        self._work.finished.wait()
        if self._work.error is not None:
            raise self._work.error
        return self._work.value

    def cancel(self) -> None:
        """Give it up. Where nobody else waits for it, it ends within a second, with its best so far if it has one."""
        if not self.done and not self._is_cancelled:
            self._is_cancelled = True
            self._give_up(self._work, self._owner)
