"""A training step of the dense layer, zeros and all: what every other is measured against."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

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
        weight = values.view(self._shape)
        if self._conv is None:
            return weight.t() @ slope
        gradient: Tensor = self._backward(slope, x, weight, (True, False, False))[0]
        return gradient

    def value_gradient(self, slope: Tensor, x: Tensor) -> Tensor:
        if self._conv is None:
            return (slope @ x.t()).reshape(-1)
        weight = x.new_empty(self._shape)  # of which the library reads the shape alone
        gradient: Tensor = self._backward(slope, x, weight, (False, True, False))[1]
        return gradient.reshape(-1)

    def _backward(self, slope: Tensor, x: Tensor, weight: Tensor, wanted: tuple[bool, bool, bool]) -> Any:
        import torch

        assert self._conv is not None
        both = [self._conv.stride] * 2, [self._conv.padding] * 2, [1, 1]
        return torch.ops.aten.convolution_backward(slope, x, weight, None, *both, False, [0, 0], 1, wanted)
