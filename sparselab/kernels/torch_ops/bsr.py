"""Aligned square blocks: torch's block compressed sparse row product."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from sparselab.kernels.base import Kernel, Run, Work, random_input
from sparselab.kernels.support.autotune import quickest
from sparselab.kernels.torch_ops.bsr_tuning import tune_bsr
from sparselab.kernels.torch_ops.compressed import compressed, multiplied, sparse_obstacle

if TYPE_CHECKING:
    import torch

_SIDES = (16, 32, 64, 128)


@dataclass(frozen=True)
class Bsr(Kernel):
    """Y = W X with W in square blocks on a fixed grid: every block with a kept weight is stored and multiplied whole.

    Rows and columns stay where they are, so blocks of shuffled rows fill many. `prepare` times the sides 16 to 128 that
    divide both sizes, and keeps the quickest. On CUDA torch's own tuner is run for each side; what it found is part of the run's description.
    """

    title: ClassVar[str] = "BSR"
    source: ClassVar[str] = "torch.sparse_bsr (MKL, Triton)"
    products: ClassVar[tuple[str, ...]] = ("matrix",)
    runs_blocks: ClassVar[bool] = True

    def unsupported_reason(self, work: Work) -> str:
        rows, cols = work.layout.after.shape
        if not _sides(work):
            return f"needs rows and columns that are multiples of {_SIDES[0]}; these are {rows} x {cols}"
        return sparse_obstacle(work)

    def prepare(self, work: Work) -> Run:
        weight = work.tensor(work.masked_weight)
        stored = {side: compressed(lambda side=side: weight.to_sparse_bsr((side, side))) for side in _sides(work)}  # type: ignore[misc]
        descriptions = {side: f"blocks of {side}{_tuning(matrix, work)}" for side, matrix in stored.items()}
        return quickest({descriptions[side]: multiplied(matrix, work) for side, matrix in stored.items()}, work)


def _tuning(weight: torch.Tensor, work: Work) -> str:
    """Tune the product where torch has parameters to tune, and return what came of it."""
    return f", {tune_bsr(weight, random_input(work)).description}" if work.on_cuda else ""


def _sides(work: Work) -> list[int]:
    rows, cols = work.layout.after.shape
    return [side for side in _SIDES if rows % side == 0 and cols % side == 0]
