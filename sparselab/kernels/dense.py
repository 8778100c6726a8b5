"""The dense product: what every other kernel is measured against."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from sparselab.kernels.base import Kernel, Run, Work
from sparselab.kernels.precision import tf32_allowed

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Dense(Kernel):
    """Y = W X by the library's matrix product (MKL or OpenBLAS, cuBLAS), zeros and all."""

    title: ClassVar[str] = "Dense"
    source: ClassVar[str] = "torch.mm, torch.addmm"

    def obstacle(self, work: Work) -> str:
        return "" if work.conv is None else "a matrix product; for a convolution take conv2d"

    def prepare(self, work: Work) -> Run:
        import torch

        weight, bias = work.tensor(work.masked_weight), work.bias_tensor
        column = None if bias is None else bias[:, None]

        def run(x: torch.Tensor) -> torch.Tensor:
            return torch.mm(weight, x) if column is None else torch.addmm(column, weight, x)

        return tf32_allowed(run, work)


@dataclass(frozen=True)
class Conv2d(Kernel):
    """The dense convolution of the library (oneDNN, cuDNN), channels last in memory where that is faster."""

    title: ClassVar[str] = "Dense conv2d"
    source: ClassVar[str] = "torch.nn.functional.conv2d"

    def obstacle(self, work: Work) -> str:
        return "a convolution; for a matrix product take dense" if work.conv is None else ""

    def prepare(self, work: Work) -> Run:
        from torch.nn import functional

        assert work.conv is not None
        stride, padding = work.conv.stride, work.conv.padding
        weight, bias = work.tensor(work.masked_weight).reshape(work.tensor_shape), work.bias_tensor

        def run(x: torch.Tensor) -> torch.Tensor:
            return functional.conv2d(x, weight, bias, stride=stride, padding=padding)

        return tf32_allowed(run, work)
