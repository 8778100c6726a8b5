"""The queue in front of the workers, and the thread that serves it."""

from __future__ import annotations

import os
import queue
import sys
import threading
import time
from collections.abc import Callable

import psutil

from sparselab.core.errors import Cancelled, LimitError
from sparselab.core.inputs.memory import available_memory
from sparselab.runtime.broker.fleet import Fleet
from sparselab.runtime.broker.job import Computation, Job
from sparselab.runtime.broker.order import in_order, next_to_begin
from sparselab.runtime.broker.request import Rank, Request
from sparselab.runtime.worker import Worker, WorkerTask

WARM_IMPORTS = ("torch", "sparselab.workflows.explore")
WORKER_BYTES = 400 * 2**20
"""What a worker takes once it has loaded torch, and a little for its task: so much must be free before another is started."""

_TICK_SECONDS = 1.0
_LOOK_SECONDS = 0.05
_RECENT_SECONDS = 60.0
_STOPPED = "the worker process was stopped from outside before it had answered: run it again"

_NOT_STARTED = "the server could not start a worker process"


def _no_slots() -> int:
    return 0


class Broker:
    """Runs what sessions ask for in worker processes: at most `slots` at once, fairly, and nobody's running task is taken.

    slots: None for as many as there are processors. taken: how many of them others hold, such as trainings.
    No method starts or ends a process, or waits for one; `leave` may be called from a finaliser.
    """

    def __init__(
        self, slots: int | None = None, imports: tuple[str, ...] = WARM_IMPORTS, taken: Callable[[], int] = _no_slots
    ) -> None:
        self._slots = slots or os.cpu_count() or 1
        self._taken = taken
        self._fleet = Fleet(imports)
        self._changed = threading.Condition()
        self._waiting: list[Computation] = []
        self._running: list[Computation] = []
        self._shared: dict[str, Computation] = {}
        self._served: dict[str, int] = {}
        self._seen: dict[str, float] = {}
        self._departed: queue.SimpleQueue[tuple[str, Callable[[], None]]] = queue.SimpleQueue()
        self._number = 0
        self._free_slots = self._slots
        self._is_closed = False
        threading.Thread(target=self._serve, daemon=True, name="sparselab-broker").start()

    def submit(self, request: Request) -> Job:
        """Put a request in the queue, or join the computation of its key that waits or runs. Returns at once."""
        now = time.monotonic()
        with self._changed:
            if request.rank is not Rank.AHEAD:  # else nobody is here for it
                self._seen[request.owner] = now
            work = self._shared.get(request.key) if request.is_public else None
            if work is not None and not work.is_unwanted and not work.finished.is_set():
                work.askers.append(request.owner)
                work.rank = min(work.rank, request.rank)
            else:
                self._number += 1
                work = Computation(self._number, request, now)
                self._waiting.append(work)
                if request.is_public:
                    self._shared[request.key] = work
            self._changed.notify()
        return Job(work, request.owner, self._place, self._give_up)

    def leave(self, owner: str, afterwards: Callable[[], None] = lambda: None) -> None:
        """Give up all that an owner asked for and end the workers that read the owner's files; then call `afterwards`.

        Only leaves a note: it takes no lock, because the garbage collector may call it inside of any other method.
        """
        self._departed.put((owner, afterwards))

    def close(self) -> None:
        """Give up everything and end every worker."""
        with self._changed:
            self._is_closed = True
            for work in (*self._waiting, *self._running):
                work.is_unwanted = True
            waiting, self._waiting = self._waiting, []
            self._changed.notify()
        for work in waiting:
            work.finish(error=Cancelled("cancelled"))
        self._fleet.close()

    @property
    def sizes(self) -> tuple[int, int, int]:
        """How many computations wait, how many run, and how many workers are idle."""
        return len(self._waiting), len(self._running), self._fleet.size

    def _place(self, work: Computation) -> int:
        with self._changed:
            order = in_order(self._waiting, self._running, self._served, time.monotonic())
        return next((place for place, other in enumerate(order) if other is work), 0)

    def _give_up(self, work: Computation, owner: str) -> None:
        with self._changed:
            if owner in work.askers:  # else the owner has left
                work.askers.remove(owner)
            if work.askers:
                return
            work.is_unwanted = True
            if work in self._waiting:
                self._waiting.remove(work)
                work.finish(error=Cancelled("cancelled"))
            self._changed.notify()

    def _serve(self) -> None:
        while not self._is_closed:
            try:
                self._see_off()
                self._tend()
            except Exception as error:  # no process, no memory: what waits is not to wait for ever
                print(f"the queue goes on after: {error!r}", file=sys.stderr, flush=True)
            with self._changed:
                begun = self._begin()
            for work in begun:
                threading.Thread(target=self._run, args=(work,), daemon=True, name="sparselab-job").start()
            with self._changed:
                if not begun and not self._is_closed:
                    self._changed.wait(_TICK_SECONDS)

    def _begin(self) -> list[Computation]:
        """Return what begins now, as running; the caller holds the lock."""
        begun: list[Computation] = []
        now = time.monotonic()
        recent = {owner for owner, seen in self._seen.items() if now - seen < _RECENT_SECONDS}
        while True:
            work = next_to_begin(
                self._waiting, self._running, self._served, slots=self._free_slots, now=now, is_crowded=len(recent) > 1
            )
            if work is None:
                return begun
            self._waiting.remove(work)
            self._running.append(work)
            self._number += 1
            self._served |= dict.fromkeys(work.askers, self._number)
            work.has_begun = True
            begun.append(work)

    def _run(self, work: Computation) -> None:
        """Run one computation in a worker, in a thread of its own, which alone waits for processes."""
        request = work.request
        try:
            try:
                worker = self._fleet.take(request)
            except OSError as error:
                raise LimitError(f"{_NOT_STARTED} ({error.strerror}): run it again") from error
            try:
                function, arguments = request.call
                task = worker.begin(function, arguments, limits=request.limits)
                work.process_id = worker.process_id
                self._follow(work, worker, task)
                work.finish(value=task.result())
            finally:
                self._fleet.give(worker, request, self._fleet.owner_after(request))
        except Exception as error:  # whatever it is, who asked is told
            work.finish(error=error)
        finally:
            with self._changed:
                self._running.remove(work)
                if self._shared.get(request.key) is work:
                    del self._shared[request.key]
                self._changed.notify()

    def _follow(self, work: Computation, worker: Worker, task: WorkerTask) -> None:
        is_asked = False
        while not task.wait(_LOOK_SECONDS):
            work.progress = task.progress
            if work.is_unwanted and not is_asked:
                is_asked = True
                task.cancel()
            if _is_stopped(work.process_id):
                worker.end(task, LimitError(_STOPPED))

    def _see_off(self) -> None:
        while True:
            try:
                owner, afterwards = self._departed.get_nowait()
            except queue.Empty:
                return
            with self._changed:
                self._seen.pop(owner, None)
                self._served.pop(owner, None)
                mine = [work for work in (*self._waiting, *self._running) if owner in work.askers]
                for work in mine:
                    work.askers = [other for other in work.askers if other != owner]
                    work.is_unwanted = not work.askers
                mine = [work for work in mine if work.is_unwanted]
                waiting = [work for work in mine if work in self._waiting]
                self._waiting = [work for work in self._waiting if work not in waiting]
            for work in waiting:
                work.finish(error=Cancelled("cancelled"))
            self._fleet.leave(owner)
            afterwards()

    def _tend(self) -> None:
        """Measure how much may run, and keep as many idle workers as that."""
        is_short = available_memory() < WORKER_BYTES
        slots = max(1, self._slots - self._taken())
        self._free_slots = max(1, len(self._running)) if is_short else slots
        most = slots + 1 - len(self._running) if self._seen else 1  # where nobody is left to ask, one stands ready
        self._fleet.tend(most, is_short_of_memory=is_short)
        if not is_short and not self._is_closed and not any(work.rank is Rank.AHEAD for work in self._running):
            self._fleet.make_ready()  # what nobody asked for yet gives its worker back in a moment


def _is_stopped(process_id: int | None) -> bool:
    """Whether a process stands still because somebody sent it SIGSTOP: it would not answer, nor end by itself."""
    if process_id is None:
        return False
    try:
        return bool(psutil.Process(process_id).status() == psutil.STATUS_STOPPED)
    except psutil.Error:
        return False
