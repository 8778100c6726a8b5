"""The dense product: what every other kernel is measured against."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from sparselab.core.layer import FloatMatrix
from sparselab.kernels.base import Kernel, Run, Work
from sparselab.kernels.steps import LayerStep
from sparselab.kernels.support.input_checks import checked
from sparselab.kernels.support.precision import tf32_allowed
from sparselab.kernels.torch_ops.dense_step import DenseStep

if TYPE_CHECKING:
    import torch


def dense_run(work: Work, matrix: FloatMatrix, bias: torch.Tensor | None) -> Run:
    """Return the library's product or convolution of `work` with some rows of weights, zeros and all."""
    import torch
    from torch.nn import functional

    weight = work.tensor(matrix)
    if work.conv is None:
        column = None if bias is None else bias[:, None]
        return lambda x: torch.mm(weight, x) if column is None else torch.addmm(column, weight, x)
    stride, padding = work.conv.stride, work.conv.padding
    kernel = weight.reshape(-1, *work.tensor_shape[1:])
    return lambda x: functional.conv2d(x, kernel, bias, stride=stride, padding=padding)


@dataclass(frozen=True)
class Dense(Kernel):
    """Y = W X by the library's matrix product (MKL or OpenBLAS, cuBLAS), zeros and all."""

    title: ClassVar[str] = "Dense"
    source: ClassVar[str] = "torch.mm, torch.addmm"
    products: ClassVar[tuple[str, ...]] = ("matrix",)
    is_dense: ClassVar[bool] = True
    trains: ClassVar[bool] = True

    def unsupported_reason(self, work: Work) -> str:
        return "" if work.conv is None else "a matrix product; for a convolution take conv2d"

    def prepare(self, work: Work) -> Run:
        return checked(tf32_allowed(dense_run(work, work.masked_weight, work.bias_tensor), work), work)

    def step(self, work: Work) -> LayerStep:
        return DenseStep(work)


@dataclass(frozen=True)
class Conv2d(Kernel):
    """The dense convolution of the library (oneDNN, cuDNN)."""

    title: ClassVar[str] = "Dense conv2d"
    source: ClassVar[str] = "torch.nn.functional.conv2d"
    products: ClassVar[tuple[str, ...]] = ("convolution",)
    is_dense: ClassVar[bool] = True
    trains: ClassVar[bool] = True

    def unsupported_reason(self, work: Work) -> str:
        return "a convolution; for a matrix product take dense" if work.conv is None else ""

    def prepare(self, work: Work) -> Run:
        return checked(tf32_allowed(dense_run(work, work.masked_weight, work.bias_tensor), work), work)

    def step(self, work: Work) -> LayerStep:
        return DenseStep(work)
