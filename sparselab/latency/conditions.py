"""The conditions under which a run is timed: hot on the CPU; hot, cold and as a graph on CUDA."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from sparselab.kernels.base import Run, Work
from sparselab.latency.timing import Call, Clock, WallClock

if TYPE_CHECKING:
    import torch


def clocks(work: Work, run: Run, x: torch.Tensor) -> Mapping[str, tuple[Clock, Call]]:
    """Return, by condition, the clock that times `run(x)` and the call that it times."""
    if not work.on_cuda:
        return {"hot": (WallClock(), lambda: run(x))}
    raise NotImplementedError
