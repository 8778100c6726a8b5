"""Two conditions of a timing on CUDA: launches recorded as one graph, and a cache emptied beforehand."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sparselab.core.errors import SettingError, UnavailableError
from sparselab.kernels.base import Run

if TYPE_CHECKING:
    import torch

_WARM_UP_RUNS = 3  # what a run allocates, compiles or chooses at its first calls must not be recorded
_FLUSHED_TIMES_L2 = 4
_LEAST_FLUSHED_BYTES = 64 * 2**20


def graphed(run: Run, x: torch.Tensor) -> Run:
    """Return a run that replays the launches of `run(x)` as one CUDA graph: for layers so small that launching is what takes time.

    The graph reads `x` where it lies and owns it from now on: another input, of the same shape, is copied over it first. The
    tensor returned is the graph's own too: the next call writes over it.

    Raises: UnavailableError when x is not on a CUDA device. What `run` raises where it cannot be recorded.
    """
    import torch

    if not x.is_cuda:
        raise UnavailableError(f"expected an input on a CUDA device, which graphs belong to; got {x.device}")
    with torch.cuda.device(x.device):
        beside = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        beside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(beside):
            for _ in range(_WARM_UP_RUNS):
                run(x)
        torch.cuda.current_stream().wait_stream(beside)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            y = run(x)

    def replay(other: torch.Tensor) -> torch.Tensor:
        if other.shape != x.shape:
            raise SettingError(f"expected an input of {tuple(x.shape)}, as was recorded; got {tuple(other.shape)}")
        if other is not x:
            x.copy_(other)
        graph.replay()
        return y

    return replay


def flush_l2(device: str | torch.device) -> Callable[[], None]:
    """Return what empties the second-level cache of a CUDA device of all that runs left there, by writing four times its size.

    Raises: UnavailableError when the device is not a CUDA device.
    """
    import torch

    if torch.device(device).type != "cuda":
        raise UnavailableError(f"expected a CUDA device, whose cache can be emptied; got {device}")
    size = _FLUSHED_TIMES_L2 * int(torch.cuda.get_device_properties(device).L2_cache_size)
    filler = torch.empty(max(size, _LEAST_FLUSHED_BYTES), dtype=torch.int8, device=device)

    def flush() -> None:
        filler.zero_()

    return flush
