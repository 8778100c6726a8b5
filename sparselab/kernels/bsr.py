"""Aligned square blocks: torch's block compressed sparse row product."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sparselab.kernels.base import Kernel, Run, Work
from sparselab.kernels.compressed import compressed, multiplied, sparse_obstacle
from sparselab.kernels.trial import quickest

_SIDES = (16, 32, 64, 128)


@dataclass(frozen=True)
class Bsr(Kernel):
    """Y = W X with W in square blocks on a fixed grid: every block with a kept weight is stored and multiplied whole.

    Rows and columns stay where they are, so blocks of shuffled rows fill many. `prepare` times the sides 16 to 128 that
    divide both sizes, and keeps the quickest.
    """

    title: ClassVar[str] = "BSR"
    source: ClassVar[str] = "torch.sparse_bsr (MKL, Triton)"

    def obstacle(self, work: Work) -> str:
        rows, cols = work.layout.after.shape
        if not _sides(work):
            return f"needs rows and columns that are multiples of {_SIDES[0]}; these are {rows} x {cols}"
        return sparse_obstacle(work)

    def prepare(self, work: Work) -> Run:
        weight = work.tensor(work.masked_weight)
        stored = [compressed(lambda side=side: weight.to_sparse_bsr((side, side))) for side in _sides(work)]  # type: ignore[misc]
        return quickest([multiplied(matrix, work) for matrix in stored], work)


def _sides(work: Work) -> list[int]:
    rows, cols = work.layout.after.shape
    return [side for side in _SIDES if rows % side == 0 and cols % side == 0]
