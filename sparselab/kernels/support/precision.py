"""Which arithmetic a float32 product on CUDA uses: TF32 only where it was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sparselab.kernels.base import Run, Work

if TYPE_CHECKING:
    import torch


def tf32_allowed(run: Run, work: Work) -> Run:
    """Return `run` with TF32 allowed exactly when the work asks for it; on the CPU `run` itself.

    Switching takes microseconds, which a run of every kernel here pays alike.
    """
    if not work.on_cuda or work.dtype not in ("float32", "tf32"):
        return run

    def switched(x: torch.Tensor) -> torch.Tensor:
        import torch

        matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
        before = matmul.allow_tf32, cudnn.allow_tf32
        matmul.allow_tf32 = cudnn.allow_tf32 = work.dtype == "tf32"
        try:
            return run(x)
        finally:
            matmul.allow_tf32, cudnn.allow_tf32 = before

    return switched
