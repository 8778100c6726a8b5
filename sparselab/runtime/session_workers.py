"""Background work of the app: warm workers, one a session, where only the latest request counts."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from sparselab.runtime.pipes import Limits
from sparselab.runtime.worker import Worker, WorkerTask

WARM_IMPORTS = ("torch", "sparselab.workflows.explore")
MOST_WORKERS = 8
"""Worker processes kept at once; each holds about 300 MB. The one idle longest is ended when another session needs one."""


class SessionWorker:
    """One session's worker. Asking for something new supersedes what is running."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._key: str | None = None
        self._task: WorkerTask | None = None

    def request(self, key: str, function: Callable[..., Any], *args: Any) -> WorkerTask:
        """Return the task for `key`, started now unless it is the one that runs or ran last."""
        if self._task is not None and self._key == key:
            return self._task
        self.cancel()
        self._key, self._task = key, self._worker.submit(function, *args)
        return self._task

    def cancel(self) -> None:
        """Stop what runs: it is over within a second, its process ended if it does not answer."""
        if self._task is not None and not self._task.done:
            self._task.cancel()
            self._task.wait()

    def forget(self) -> None:
        """Let the next request start anew even under the key of the last."""
        self._key = None

    @property
    def is_busy(self) -> bool:
        return self._worker.is_busy

    def close(self) -> None:
        """End the worker now; whoever waits for its task is told that it was cancelled."""
        self._worker.close()


class SessionWorkers:
    """The session workers of all sessions, at most `most`; and one worker started ahead, so that a first visitor does not wait."""

    def __init__(self, most: int = MOST_WORKERS) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._session_workers: OrderedDict[str, SessionWorker] = OrderedDict()
        self._spare: Worker | None = _warm_worker()

    def session_worker(self, session: str) -> SessionWorker:
        """Return the session worker of a session, opening it if needed."""
        with self._lock:
            if session not in self._session_workers:
                self._make_room()
                worker, self._spare = self._spare or _warm_worker(), None
                self._session_workers[session] = SessionWorker(worker)
            self._session_workers.move_to_end(session)
            return self._session_workers[session]

    def leave(self, session: str) -> None:
        """Close the session worker of a session that has ended."""
        with self._lock:
            session_worker = self._session_workers.pop(session, None)
        if session_worker is not None:
            session_worker.close()

    def _make_room(self) -> None:
        while len(self._session_workers) >= self._most:
            idle = next(
                (name for name, session_worker in self._session_workers.items() if not session_worker.is_busy),
                next(iter(self._session_workers)),
            )
            self._session_workers.pop(idle).close()

    def close(self) -> None:
        """End every worker."""
        with self._lock:
            for session_worker in self._session_workers.values():
                session_worker.close()
            self._session_workers.clear()
            if self._spare is not None:
                self._spare.close()


def _warm_worker() -> Worker:
    return Worker(Limits(), WARM_IMPORTS)
