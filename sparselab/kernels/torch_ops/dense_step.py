"""A training step of the dense layer, zeros and all: what every other is measured against."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from sparselab.core.mask import IntVector
from sparselab.kernels.base import Work
from sparselab.kernels.steps import LayerStep

if TYPE_CHECKING:
    from torch import Tensor


class DenseStep(LayerStep):
    """Y, dX and dW by the library's matrix products or convolutions; `values` is the whole weight, row by row."""

    def __init__(self, work: Work) -> None:
        self._conv, self._shape = work.conv, work.tensor_shape
        self._matrix_shape = work.layout.after.shape

    @cached_property
    def places(self) -> tuple[IntVector, IntVector]:
        rows, cols = np.indices(self._matrix_shape)
        return rows.ravel(), cols.ravel()

    def product(self, x: Tensor, values: Tensor, bias: Tensor | None) -> Tensor:
        import torch
        from torch.nn import functional

        weight = values.view(self._shape)
        if self._conv is None:
            return torch.mm(weight, x) if bias is None else torch.addmm(bias[:, None], weight, x)
        return functional.conv2d(x, weight, bias, stride=self._conv.stride, padding=self._conv.padding)

    def input_gradient(self, slope: Tensor, x: Tensor, values: Tensor) -> Tensor:
        from torch.nn import grad

        weight = values.view(self._shape)
        if self._conv is None:
            return weight.t() @ slope
        stride, padding = self._conv.stride, self._conv.padding
        gradient: Tensor = grad.conv2d_input(x.shape, weight, slope, stride, padding)  # type: ignore[no-untyped-call]
        return gradient

    def value_gradient(self, slope: Tensor, x: Tensor) -> Tensor:
        from torch.nn import grad

        if self._conv is None:
            return (slope @ x.t()).reshape(-1)
        stride, padding = self._conv.stride, self._conv.padding
        gradient: Tensor = grad.conv2d_weight(x, self._shape, slope, stride, padding)  # type: ignore[no-untyped-call]
        return gradient.reshape(-1)
