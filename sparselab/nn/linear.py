"""A linear layer in blocks."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from sparselab.core.errors import SettingError
from sparselab.core.layout import Layout
from sparselab.core.mask import IntVector
from sparselab.nn.block_module import BlockModule


class BlockLinear(BlockModule):
    """y = x W^T + b with W in the blocks of a layout: `BlockLinear(layout, linear)` takes its weights from a dense layer.

    x: (..., in), y: (..., out), as in torch.nn.Linear. With gradients on, each group gathers its inputs and multiplies
    once, so that the backward pass too touches kept weights alone; with gradients off, see `BlockModule`.
    """

    panel_rows: Tensor
    panel_cols: Tensor

    def __init__(self, layout: Layout, dense: nn.Linear, kernel: str = "auto") -> None:
        super().__init__(layout, dense, kernel)
        self.panels = tuple(zip(self.panel_indices.heights.tolist(), self.panel_indices.widths.tolist(), strict=True))

    def indices(self) -> dict[str, IntVector]:
        return {**super().indices(), "panel_rows": self.panel_indices.rows, "panel_cols": self.panel_indices.cols}

    def forward(self, x: Tensor) -> Tensor:
        rows, cols = self.layout.after.shape
        x = self.accepted(x)
        if x.shape[-1] != cols:
            raise SettingError(f"expected an input of {cols} features; got {tuple(x.shape)}")
        flat = x.reshape(-1, cols)
        y = self.multiply(flat.t().contiguous()).t() if self.uses_kernel(x) else self._by_panels(flat)
        return y.reshape(*x.shape[:-1], rows)

    def _by_panels(self, x: Tensor) -> Tensor:
        if not self.layout.blocks:  # a panel a row would be a product a row
            return functional.linear(x, self.weight.to(x.dtype), None if self.bias is None else self.bias.to(x.dtype))
        y = x.new_zeros(x.shape[0], self.layout.after.rows)
        if self.panels:
            columns = self.panel_cols.split([width for _, width in self.panels])  # type: ignore[no-untyped-call]
            weights = self.values.split([height * width for height, width in self.panels])  # type: ignore[no-untyped-call]
            parts = [
                x.index_select(1, of) @ weight.view(shape).t()
                for of, weight, shape in zip(columns, weights, self.panels, strict=True)
            ]
            y = y.index_add(1, self.panel_rows, torch.cat(parts, dim=1))
        return y if self.bias is None else y + self.bias.to(y.dtype)
