"""Run functions in spawned, limited worker processes, with progress and a cancel that always works.

The parent sends a task as (function name, pickled arguments); the worker answers with `wire` messages, which the
parent can read without executing anything even if the worker was taken over by the file it parsed. Workers are plain
subprocesses and not `multiprocessing` ones, because the latter import the parent's __main__ again, and under a web
server that is the page being shown.

Our own and no pool of the standard library's (concurrent.futures, multiprocessing) or joblib's, because none of them can end
one running call: here a task that does not answer a cancel within a grace of half a second is killed with its process, and
so is one past its wall time, while memory and processor time are limited by the system.
"""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import subprocess
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict
from types import MappingProxyType
from typing import Any

from sparselab.core import errors
from sparselab.core.errors import Cancelled, LimitError, SparselabError
from sparselab.runtime import messages
from sparselab.runtime.child import WORKER_PROGRAM, python_command, python_environment
from sparselab.runtime.pipes import Limits, read_frame, write_frame
from sparselab.runtime.progress import SILENT, Monitor, Progress

_GRACE_SECONDS = 0.5  # a cancelled task may answer for this long with its best so far; then its process is ended


class WorkerError(RuntimeError):
    """The function failed in a way that is a defect of ours; the worker's traceback is in the text."""


class WorkerTask:
    """One call running in a worker."""

    def __init__(self, number: int, cancel: Callable[[WorkerTask], None]) -> None:
        self.number = number
        self.progress: Progress | None = None
        self._cancel = cancel
        self._finished = threading.Event()
        self._value: Any = None
        self._error: Exception | None = None

    @property
    def done(self) -> bool:
        return self._finished.is_set()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the task is done or `timeout` seconds have passed; return whether it is done."""
        return self._finished.wait(timeout)

    def result(self) -> Any:
        """Wait for the value. Raises what the function raised, LimitError, Cancelled, or WorkerError."""
        self._finished.wait()
        if self._error is not None:
            raise self._error
        return self._value

    def cancel(self) -> None:
        """Ask the task to stop; its process is ended if it has not answered within a second. Returns at once."""
        if not self.done:
            self._cancel(self)

    def _finish(self, value: Any = None, error: Exception | None = None) -> None:
        if not self.done:
            self._value, self._error = value, error
            self._finished.set()


class Worker:
    """A warm worker process that runs one task after another.

    `imports` are modules it loads at once, so that the first task does not pay for them. `limits` are those of a task that
    brings none of its own; its `threads` are set before anything is loaded. After a hard cancel, a limit or a crash the next
    task starts a fresh process.
    """

    def __init__(self, limits: Limits | None = None, imports: tuple[str, ...] = ()) -> None:
        self._limits = limits or Limits()
        self._imports = imports
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._task: WorkerTask | None = None
        self._task_limits = self._limits
        self._number = 0
        self._start()

    def submit(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> WorkerTask:
        """Start `function(*args, monitor=..., **kwargs)` in the worker; its value must be one that `messages` can carry."""
        return self.begin(function, args, kwargs, self._limits)

    def begin(
        self,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any] = MappingProxyType({}),
        limits: Limits | None = None,
    ) -> WorkerTask:
        """Start a task under limits of its own, which count from here: what was loaded before is not the task's."""
        limits = limits or Limits()
        with self._lock:
            if self._task is not None and not self._task.done:
                raise RuntimeError("expected an idle worker; this one has a task: cancel it first, or use another")
            self._number += 1
            task = self._task = WorkerTask(self._number, self._cancel_task)
            self._task_limits = limits
        if self._process is None or self._process.poll() is not None:
            self._start()
        name = f"{function.__module__}:{function.__qualname__}"
        call = (args, dict(kwargs))
        self._send({"number": task.number, "function": name, "call": call, "limits": asdict(limits)})
        if limits.wall_seconds is not None:
            reason = LimitError(f"stopped after {limits.wall_seconds:g} seconds, its time limit")
            _later(limits.wall_seconds, lambda: self.end(task, reason))
        return task

    @property
    def is_busy(self) -> bool:
        return self._task is not None and not self._task.done

    @property
    def process_id(self) -> int | None:
        """The number of the process, None when none runs."""
        process = self._process
        return None if process is None or process.poll() is not None else process.pid

    def close(self) -> None:
        """End the process now; what runs in it is cancelled. A later `submit` starts a new one."""
        process, self._process = self._process, None
        if self._task is not None:
            self._task._finish(error=Cancelled("cancelled"))
        if process is not None:
            process.kill()  # its listener thread reaps it

    def _start(self) -> None:
        environment = python_environment()
        if self._limits.threads is not None:
            environment |= dict.fromkeys(_THREAD_VARIABLES, str(self._limits.threads))
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and our own text
            python_command("-c", WORKER_PROGRAM, json.dumps({"imports": self._imports, "parent": os.getpid()})),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
        )
        self._process = process
        threading.Thread(target=self._listen, args=(process,), daemon=True, name="sparselab-worker-listener").start()

    def _send(self, message: dict[str, Any]) -> None:
        if self._process is None or self._process.stdin is None:
            return
        with contextlib.suppress(OSError):  # the process may be gone; its listener tells the task
            write_frame(self._process.stdin, pickle.dumps(message, protocol=5))

    def _listen(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        error: SparselabError | None = None
        try:
            while (frame := read_frame(process.stdout)) is not None:
                self._receive(messages.load(frame))
        except (SparselabError, KeyError, TypeError, AttributeError) as unreadable:
            error = SparselabError(f"expected a message of the worker process; got something unreadable: {unreadable}")
            process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        if self._process is process and self._task is not None:
            self._task._finish(error=error or _why_it_died(process.returncode, self._task_limits))

    def _receive(self, message: dict[str, Any]) -> None:
        task = self._task
        if task is None or message["number"] != task.number:
            return
        if message["kind"] == "progress":
            task.progress = Progress(message["stage"], message["done"], message["total"])
        elif message["kind"] == "value":
            task._finish(value=message["value"])
        else:
            task._finish(error=_revive_error(message["error"], message["text"]))

    def _cancel_task(self, task: WorkerTask) -> None:
        self._send({"cancel": task.number})
        _later(_GRACE_SECONDS, lambda: self.end(task, Cancelled("cancelled")))

    def end(self, task: WorkerTask, error: Exception) -> None:
        """End a task that has not finished, and the process with it; whoever waits for it is told `error`."""
        with self._lock:
            if task.done or self._task is not task:
                return
            task._finish(error=error)
        self.close()


def run_isolated(
    function: Callable[..., Any],
    *args: Any,
    limits: Limits,
    imports: tuple[str, ...] = (),
    monitor: Monitor = SILENT,
    **kwargs: Any,
) -> Any:
    """Run one function in a process of its own and return its value. Raises as WorkerTask.result does."""
    worker = Worker(limits, imports)
    try:
        task = worker.submit(function, *args, **kwargs)
        while not task.wait(0.05):
            if monitor.is_cancelled:
                task.cancel()
            elif task.progress is not None:
                monitor.progress(task.progress.stage, task.progress.done, task.progress.total)
        return task.result()
    finally:
        worker.close()


_THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def _later(seconds: float, action: Callable[[], None]) -> None:
    timer = threading.Timer(seconds, action)
    timer.daemon = True
    timer.start()


def _revive_error(name: str, text: str) -> Exception:
    kind = getattr(errors, name, None)
    if isinstance(kind, type) and issubclass(kind, SparselabError):
        return kind(text)
    return WorkerError(text)


def _why_it_died(returncode: int, limits: Limits) -> LimitError:
    import signal

    if returncode == -getattr(signal, "SIGXCPU", 0) and limits.cpu_seconds is not None:
        return LimitError(f"stopped after {limits.cpu_seconds} seconds of CPU time, its limit")
    return LimitError(f"the worker process ended unexpectedly (exit status {returncode}), perhaps for lack of memory")
