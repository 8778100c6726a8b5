"""The worker's side of limits: what one task may use beyond what its process has used before."""

from __future__ import annotations

import math
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import NoReturn

from sparselab.core.errors import LimitError
from sparselab.runtime.pipes import Limits


def limit_from_start() -> None:
    """Let this process leave no image of its memory when it dies."""
    try:
        import resource
    except ImportError:  # Windows has no such limits
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


@contextmanager
def limited(limits: Limits) -> Iterator[None]:
    """Hold a block to limits that count from here. Past its memory it gets a MemoryError; past its processor time the process dies.

    Windows knows neither; wall time, which the parent watches, holds there too.
    """
    with ExitStack() as stack:
        stack.enter_context(_threads(limits.threads))
        try:
            import resource
        except ImportError:
            yield
            return
        if limits.memory_bytes is not None:
            import psutil

            held = psutil.Process().memory_info().vms
            stack.enter_context(_soft_limit(resource.RLIMIT_AS, held + limits.memory_bytes))
        if limits.cpu_seconds is not None:
            used = math.ceil(time.process_time())
            stack.enter_context(_soft_limit(resource.RLIMIT_CPU, used + limits.cpu_seconds))
        yield


@contextmanager
def limited_here(limits: Limits) -> Iterator[None]:
    """Hold a block of the main thread to limits, as `limited` does, in a process that goes on: past its processor time it gets a
    LimitError. Elsewhere than in the main thread nothing can be raised, and the limit of time is left out.
    """
    if not hasattr(signal, "SIGXCPU") or threading.current_thread() is not threading.main_thread():
        with limited(replace(limits, cpu_seconds=None)):
            yield
        return

    def stop(*_: object) -> NoReturn:
        raise LimitError(f"stopped after {limits.cpu_seconds} seconds of CPU time, its limit")

    before = signal.signal(signal.SIGXCPU, stop)
    try:
        with limited(limits):
            yield
    finally:
        signal.signal(signal.SIGXCPU, before)


@contextmanager
def _soft_limit(kind: int, most: int) -> Iterator[None]:
    import resource

    soft, hard = resource.getrlimit(kind)
    resource.setrlimit(kind, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))
    try:
        yield
    finally:
        resource.setrlimit(kind, (soft, hard))


@contextmanager
def _threads(count: int | None) -> Iterator[None]:
    """Let torch and the libraries for linear algebra that are loaded use `count` threads in the block."""
    if count is None:
        yield
        return
    from threadpoolctl import threadpool_limits

    torch = sys.modules.get("torch")
    before = None if torch is None else torch.get_num_threads()
    with threadpool_limits(count):
        if torch is not None:
            torch.set_num_threads(count)
        try:
            yield
        finally:
            if torch is not None and before is not None:
                torch.set_num_threads(before)
