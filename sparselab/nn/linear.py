"""A linear layer in blocks."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from sparselab.core.errors import SettingError
from sparselab.core.layout import Layout
from sparselab.nn.block_module import BlockModule
from sparselab.nn.support.dense_layer import filled


class BlockLinear(BlockModule):
    """y = x W^T + b with W in the blocks of a layout: `BlockLinear(layout, linear)` takes its weights from a dense layer.

    x: (..., in), y: (..., out), as in torch.nn.Linear, y contiguous as there. What multiplies: see `BlockModule`.
    """

    def __init__(self, layout: Layout, dense: nn.Linear, kernel: str = "auto") -> None:
        super().__init__(layout, dense, kernel)

    def compute(self, x: Tensor) -> Tensor:
        y = self.product(self.as_work(x)).t()
        return y.reshape(*x.shape[:-1], self.dense_shape[0]).contiguous()

    def as_work(self, x: Tensor) -> Tensor:
        cols = self.dense_shape[1]  # a plain number: torch.compile would look at the arrays of a layout at every call
        x = self.accepted(x)
        if x.shape[-1] != cols:
            raise SettingError(f"expected an input of {cols} features; got {tuple(x.shape)}")
        return x.reshape(-1, cols).t()

    def dense(self) -> nn.Linear:
        rows, cols = self.layout.after.shape
        layer = nn.Linear(cols, rows, self.bias is not None, device=torch.device("meta"))
        return cast(nn.Linear, filled(layer, self))
