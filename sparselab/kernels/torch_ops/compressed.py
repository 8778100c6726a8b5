"""What torch's compressed sparse products share: what they can do, and how they are called."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING

from sparselab.kernels.base import Run, Work
from sparselab.kernels.support.precision import tf32_allowed

if TYPE_CHECKING:
    import torch


def sparse_obstacle(work: Work) -> str:
    """Return why torch's sparse products cannot run `work`; "" when they can."""
    if work.conv is not None:
        return "a matrix product; torch has no sparse convolution"
    if not work.on_cuda and work.dtype not in ("float32", "float64"):
        return "computes in float32 and float64 on the CPU"
    return ""


def compressed(make: Callable[[], torch.Tensor]) -> torch.Tensor:
    """Return the sparse tensor that `make` makes, without torch's word that the layout is in beta."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*Sparse (CSR|BSR|CSC|BSC).*", category=UserWarning)
        return make()


def multiplied(weight: torch.Tensor, work: Work) -> Run:
    """Return x -> weight @ x + bias."""
    bias = work.bias_tensor
    column = None if bias is None else bias[:, None]

    def run(x: torch.Tensor) -> torch.Tensor:
        y = weight @ x
        return y if column is None else y.add_(column)

    return tf32_allowed(run, work)
