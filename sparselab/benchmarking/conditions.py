"""The conditions under which a run is timed: hot on the CPU; hot, cold and as a graph on CUDA."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sparselab.benchmarking.timing import Call, Clock, WallClock
from sparselab.core.errors import SparselabError
from sparselab.kernels.base import TOLERANCES, Run, Work, error_against
from sparselab.kernels.support.cuda_graphs import flush_l2, graphed

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class CudaClock(Clock):
    """The device's own clock: events on its stream, around all repeats; around each one, its cache emptied before, if cold."""

    device: str
    flush: Callable[[], None] | None = None

    def milliseconds(self, run: Call, repeats: int) -> float:
        import torch

        with torch.cuda.device(self.device):
            run()
            torch.cuda.synchronize()
            pairs = []
            for _ in range(repeats if self.flush else 1):
                if self.flush:
                    self.flush()
                start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))  # type: ignore[no-untyped-call]
                start.record()
                for _ in range(1 if self.flush else repeats):
                    run()
                end.record()
                pairs.append((start, end))
            torch.cuda.synchronize()
            total: float = sum(start.elapsed_time(end) for start, end in pairs)
            return total / repeats


def hot_clock(work: Work) -> Clock:
    """Return the clock for runs in succession on the work's device."""
    return CudaClock(work.device) if work.on_cuda else WallClock()


def hot_condition(work: Work, run: Run, x: torch.Tensor) -> Mapping[str, tuple[Clock, Call] | str]:
    """Return the clock and the call of runs in succession."""
    return {"hot": (hot_clock(work), lambda: run(x))}


def conditions(work: Work, run: Run, x: torch.Tensor) -> Mapping[str, tuple[Clock, Call] | str]:
    """Return, by condition, the clock and the call that it times; or why there is none under that condition."""
    hot = hot_condition(work, run, x)
    if not work.on_cuda:
        return hot
    cold = CudaClock(work.device, flush_l2(work.device))
    return {**hot, "cold": (cold, lambda: run(x)), "graph": _recorded(work, run, x)}


def _recorded(work: Work, run: Run, x: torch.Tensor) -> tuple[Clock, Call] | str:
    try:
        mine = x.clone()  # the graph owns what it reads
        replay = graphed(run, mine)
        error = error_against(run(x).cpu().double(), replay(mine))
    except (SparselabError, RuntimeError) as failure:
        return f"it cannot be recorded as a graph: {' '.join(str(failure).split())[:200]}"
    if not error <= TOLERANCES[work.dtype]:
        return f"as a graph it gives other numbers: error {error:.1e}"
    return hot_clock(work), lambda: replay(mine)
