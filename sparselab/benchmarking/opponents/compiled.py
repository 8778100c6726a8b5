"""The dense product as torch.compile makes it; compiled within a bound, and only when asked for."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from sparselab.benchmarking.opponents.base import DenseOpponent, Product
from sparselab.core.errors import UnavailableError
from sparselab.core.torch_private import why_not_compiled
from sparselab.kernels.base import TOLERANCES, Work
from sparselab.kernels.torch_ops.dense import dense_run

if TYPE_CHECKING:
    import torch

COMPILE_SECONDS = 120.0
"""A compilation that takes longer is given up."""


@dataclass(frozen=True)
class DenseCompiled(DenseOpponent):
    """The dense product of the session through torch.compile in its default mode; compiling is in `prepare_ms`, in no time."""

    title: ClassVar[str] = "Dense, torch.compile"
    in_words: ClassVar[str] = "the dense product through torch.compile"
    source: ClassVar[str] = "torch.compile of torch.mm or conv2d, default mode, fixed shapes; needs a C++ compiler"
    arithmetic: ClassVar[str] = "float32"
    tolerance: ClassVar[float] = TOLERANCES["float32"]
    is_usual: ClassVar[bool] = False

    def missing(self) -> str | None:
        if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
            return "compiling is bounded by an alarm, which the main thread of a process on Linux or macOS has; ask `bench` for it"
        return why_not_compiled()

    def ways(self, work: Work, x: torch.Tensor) -> Mapping[str, Product]:
        import torch

        compiled: Any = torch.compile(dense_run(work, work.masked_weight, work.bias_tensor), dynamic=False)
        with _at_most(COMPILE_SECONDS):
            compiled(x)
        return {"default mode": lambda: compiled(x)}


@contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    """Raises: UnavailableError in what runs within, after `seconds`."""

    def stop(*_: object) -> None:
        raise UnavailableError(f"compiling took more than {seconds:g} s and was given up")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
