"""The measured roofline: peak arithmetic and peak bandwidth of this machine, taken in the same session."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sparselab.benchmarking.timing import Clock
from sparselab.kernels.base import Work

if TYPE_CHECKING:
    import torch

_PEAK_SIDE = {"cpu": 1024, "cuda": 8192}
_COPY_BYTES = {"cpu": 2**27, "cuda": 2**30}
_TRIES = 5


@dataclass(frozen=True)
class Roofline:
    """The best of a few large square products, and of a few copies far larger than a cache."""

    flops_per_ms: float
    bytes_per_ms: float

    def share(self, milliseconds: float, *, flops: float, moved_bytes: float) -> float:
        """Return the time at the roofline / the time taken: max(flops / peak, bytes / bandwidth) / milliseconds."""
        return max(flops / self.flops_per_ms, moved_bytes / self.bytes_per_ms) / milliseconds


def measure_roofline(work: Work, clock: Clock) -> Roofline:
    """Return the roofline of the work's device in the work's arithmetic: about .2 s on two cores.

    Source: Williams, Waterman & Patterson, Roofline, 2009; both ceilings measured, none taken from a data sheet.
    """
    import torch

    from sparselab.kernels.support.precision import tf32_allowed

    kind = "cuda" if work.on_cuda else "cpu"
    side = _PEAK_SIDE[kind]
    a, b = (torch.randn(side, side, device=work.device).to(work.torch_dtype) for _ in range(2))
    multiply = tf32_allowed(lambda x: torch.mm(a, x), work)
    source = torch.ones(_COPY_BYTES[kind] // 4, dtype=torch.float32, device=work.device)
    target = torch.empty_like(source)

    def copy() -> torch.Tensor:
        return target.copy_(source)

    # The best and not the median: a roofline is what nothing can exceed.
    gemm_ms = min(clock.milliseconds(lambda: multiply(b), 1) for _ in range(_TRIES))
    copy_ms = min(clock.milliseconds(copy, 1) for _ in range(_TRIES))
    return Roofline(2.0 * side**3 / gemm_ms, 2.0 * source.numel() * 4 / copy_ms)


def necessary(work: Work, *, dense: bool) -> tuple[float, float]:
    """Return (flops, bytes) that a product cannot do without: two per weight and position; weights, X and Y moved once.

    dense: count every weight, as the dense product does; else those that the layout keeps.
    """
    after = work.layout.after
    weights = after.kept.size if dense else after.count
    rows, positions = after.rows, work.positions
    inputs = 1
    for size in work.input_shape:
        inputs *= size
    itemsize = work.torch_dtype.itemsize
    return 2.0 * weights * positions, float(itemsize) * (weights + inputs + rows * positions)
