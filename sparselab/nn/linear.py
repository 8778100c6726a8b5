"""A linear layer in blocks."""

from __future__ import annotations

import torch
from torch import Tensor

from sparselab.nn.block_module import BlockModule


class BlockLinear(BlockModule):
    """y = x W^T + b with W in the blocks of a layout: `BlockLinear(layout, linear)` takes its weights from a dense layer.

    x: (..., in), y: (..., out), as in torch.nn.Linear. With gradients on, each group gathers its inputs and multiplies
    once, so that the backward pass too touches kept weights alone; with gradients off, see `BlockModule`.
    """

    def forward(self, x: Tensor) -> Tensor:
        flat = x.reshape(-1, x.shape[-1])
        y = self.multiply(flat.t().contiguous()).t() if self.uses_kernel(x) else self._by_panels(flat)
        return y.reshape(*x.shape[:-1], self.layout.after.rows)

    def _by_panels(self, x: Tensor) -> Tensor:
        places = self.places
        y = x.new_zeros(x.shape[0], self.layout.after.rows)
        if places.heights.size:
            device = x.device
            rows = torch.from_numpy(places.rows.copy()).to(device)
            columns = torch.from_numpy(places.cols.copy()).to(device).split(places.widths.tolist())  # type: ignore[no-untyped-call]
            weights = self.values.split((places.heights * places.widths).tolist())  # type: ignore[no-untyped-call]
            shapes = zip(places.heights.tolist(), places.widths.tolist(), strict=True)
            parts = [
                x.index_select(1, of) @ weight.view(height, width).t()
                for of, weight, (height, width) in zip(columns, weights, shapes, strict=True)
            ]
            y = y.index_add(1, rows, torch.cat(parts, dim=1))
        return y if self.bias is None else y + self.bias
