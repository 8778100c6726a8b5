"""Many calls on a few worker processes, results as they come: for work that one process asks for and waits for.

Beside the broker, which serves visitors who come and go: here the calls are a stream of any length, of which no more is held than
runs. Processes are those of `Worker`, so that one that crashes costs its call alone.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sparselab.core.errors import LimitError
from sparselab.core.inputs.memory import available_memory
from sparselab.runtime.pipes import Limits
from sparselab.runtime.worker import Worker, WorkerTask

_LOOK_SECONDS = 0.2
ALONE = float("inf")
"""The memory of a call that must have this machine for itself: nothing runs beside it, and it is not passed over."""

_SMALL_BYTES = 2**28
"""What needs less is begun without a look at the memory that is free."""

Key = TypeVar("Key")


@dataclass(frozen=True)
class PooledCall(Generic[Key]):
    """A function, which a worker imports by its name, with its arguments. memory: bytes that it takes at most, about, or `ALONE`."""

    key: Key
    function: Any
    arguments: tuple[Any, ...]
    memory: float = 0


def run_pooled(
    calls: Iterable[PooledCall[Key]], workers: int, *, imports: tuple[str, ...] = ()
) -> Iterator[tuple[Key, Any]]:
    """Yield the key of every call with its value, or with the exception that it raised, in the order in which they end.

    A large call waits until the memory that it takes is free, or until it runs alone; one that must be `ALONE` keeps others waiting. When the generator is closed, every
    process ends, and what runs is given up. Raises: what `calls` raises when the next one is asked of it.
    """
    pool = _Pool(iter(calls), workers, imports)
    try:
        yield from pool.results()
    finally:
        pool.close()


def processors() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Pool(Generic[Key]):
    def __init__(self, calls: Iterator[PooledCall[Key]], workers: int, imports: tuple[str, ...]) -> None:
        self._calls = calls
        self._imports = imports
        self._turn = threading.Lock()
        self._changed = threading.Condition()
        self._running: dict[int, float] = {}
        self._results: queue.Queue[tuple[Key, Any] | Exception | None] = queue.Queue(maxsize=4 * workers)
        self._is_closed = False
        self._workers: list[Worker] = []
        self._threads = [
            threading.Thread(target=self._serve, args=(place,), daemon=True, name=f"sparselab-pool-{place}")
            for place in range(workers)
        ]
        for thread in self._threads:
            thread.start()

    def results(self) -> Iterator[tuple[Key, Any]]:
        at_work = len(self._threads)
        while at_work:
            try:
                found = self._results.get(timeout=_LOOK_SECONDS)  # a wait without end hears no Ctrl-C on Windows
            except queue.Empty:
                continue
            if found is None:
                at_work -= 1
            elif isinstance(found, Exception):
                raise found
            else:
                yield found

    def close(self) -> None:
        self._is_closed = True
        for worker in self._workers:
            worker.close()
        for thread in self._threads:
            thread.join()

    def _serve(self, place: int) -> None:
        worker: Worker | None = None
        try:
            while not self._is_closed:
                with self._turn:
                    call = next(self._calls, None)
                    has_room = call is not None and call.memory == ALONE and self._has_room(place, ALONE)
                if call is None or not (has_room or self._has_room(place, call.memory)):
                    break
                try:
                    if worker is None:
                        worker = Worker(Limits(threads=1), self._imports)
                        self._workers.append(worker)
                    value = self._value(worker.begin(call.function, call.arguments))
                except LimitError as error:
                    # A process that died says nothing of its call: another may have taken the memory. The second death counts.
                    value = error if worker is None or worker.process_id is not None else self._again(worker, call)
                except Exception as error:  # whatever it is, it is this call's result
                    value = error
                with self._changed:
                    del self._running[place]
                    self._changed.notify_all()
                self._hand_over((call.key, value))
        except Exception as error:
            self._hand_over(error)
        finally:
            if worker is not None:
                worker.close()
            self._hand_over(None)

    def _value(self, task: WorkerTask) -> Any:
        while not task.wait(_LOOK_SECONDS):
            if self._is_closed:
                task.cancel()
        return task.result()

    def _again(self, worker: Worker, call: PooledCall[Key]) -> Any:
        try:
            return None if self._is_closed else self._value(worker.begin(call.function, call.arguments))
        except Exception as error:  # whatever it is, it is this call's result
            return error

    def _has_room(self, place: int, memory: float) -> bool:
        """Wait until a call may begin; return False where the pool has been closed meanwhile."""
        with self._changed:
            while not self._is_closed:
                others = sum(self._running.values())
                is_small = memory <= _SMALL_BYTES and others < ALONE
                if not self._running or is_small or memory + others <= available_memory():
                    self._running[place] = memory
                    return True
                self._changed.wait(_LOOK_SECONDS)
        return False

    def _hand_over(self, item: tuple[Key, Any] | Exception | None) -> None:
        while not self._is_closed:
            try:
                return self._results.put(item, timeout=_LOOK_SECONDS)
            except queue.Full:
                continue
