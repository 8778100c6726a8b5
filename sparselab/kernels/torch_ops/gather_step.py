"""A training step through blocks by plain tensor operations: what trains them where there is no C compiler."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sparselab.core.device import as_tensor
from sparselab.core.mask import IntVector
from sparselab.kernels.base import Work
from sparselab.kernels.steps import LayerStep
from sparselab.kernels.support.output import init_output
from sparselab.kernels.support.panels import panel_places, panels
from sparselab.kernels.torch_ops.dense_step import DenseStep

if TYPE_CHECKING:
    from torch import Tensor


class GatherStep(LayerStep):
    """Y, dX and dW of a matrix product panel by panel: gather rows of X or dY, multiply once, add up or lay down.

    A panel's weights are a view of the values. The rows of X and dY are gathered into memory that all panels of a call share. A
    convolution multiplies the dense weight, which is made of the values at every call: gathering it costs more than it saves.
    """

    def __init__(self, work: Work) -> None:
        parts = panels(work.layout)
        self._places, self._shape = panel_places(parts), work.layout.after.shape
        self._rows = [as_tensor(part.rows, work.device) for part in parts]
        self._cols = [as_tensor(part.cols, work.device) for part in parts]
        self._ends = np.cumsum([0, *(part.rows.size * part.cols.size for part in parts)]).tolist()
        self._dense = None if work.conv is None else DenseStep(work)
        rows, cols = self._places
        self._flat = None if work.conv is None else as_tensor(rows * self._shape[1] + cols, work.device)

    @property
    def places(self) -> tuple[IntVector, IntVector]:
        return self._places

    def product(self, x: Tensor, values: Tensor, bias: Tensor | None) -> Tensor:
        import torch

        x, values = x.detach(), values.detach()
        if self._dense is not None:
            return self._dense.product(x, self._whole(values), bias)
        x, y = x.contiguous(), init_output(bias, (self._shape[0], x.shape[1]), 0, x)
        room = _Room(x, self._cols)
        for rows, cols, weight in zip(self._rows, self._cols, self._weights(values), strict=True):
            y.index_add_(0, rows, torch.mm(weight, room.gathered(x, cols)))
        return y

    def input_gradient(self, slope: Tensor, x: Tensor, values: Tensor) -> Tensor:
        import torch

        slope, values = slope.detach(), values.detach()
        if self._dense is not None:
            return self._dense.input_gradient(slope, x.detach(), self._whole(values))
        slope, dx = slope.contiguous(), slope.new_zeros(self._shape[1], x.shape[1])
        room = _Room(slope, self._rows)
        for rows, cols, weight in zip(self._rows, self._cols, self._weights(values), strict=True):
            dx.index_add_(0, cols, torch.mm(weight.t(), room.gathered(slope, rows)))
        return dx

    def value_gradient(self, slope: Tensor, x: Tensor) -> Tensor:
        import torch

        slope, x = slope.detach(), x.detach()
        if self._dense is not None:
            assert self._flat is not None
            return self._dense.value_gradient(slope, x).index_select(0, self._flat)
        slope, x = slope.contiguous(), x.contiguous()
        gradient = x.new_empty(self._ends[-1])
        of_x, of_y = _Room(x, self._cols), _Room(slope, self._rows)
        for rows, cols, out in zip(self._rows, self._cols, self._weights(gradient), strict=True):
            torch.mm(of_y.gathered(slope, rows), of_x.gathered(x, cols).t(), out=out)
        return gradient

    def _weights(self, values: Tensor) -> list[Tensor]:
        """Return a view of the values for every panel, rows x columns."""
        ends = zip(self._ends, self._ends[1:], self._rows, self._cols, strict=False)
        return [values[first:end].view(rows.numel(), cols.numel()) for first, end, rows, cols in ends]

    def _whole(self, values: Tensor) -> Tensor:
        """Return the dense weight, row by row."""
        assert self._flat is not None
        return values.new_zeros(self._shape[0] * self._shape[1]).index_copy_(0, self._flat, values)


class _Room:
    """Memory for the rows of one panel, the longest of all."""

    def __init__(self, like: Tensor, lists: list[Tensor]) -> None:
        self._memory = like.new_empty(max((of.numel() for of in lists), default=0) * like.shape[1])

    def gathered(self, x: Tensor, rows: Tensor) -> Tensor:
        """Return the rows of a matrix, until the next are gathered."""
        import torch

        out = self._memory[: rows.numel() * x.shape[1]].view(rows.numel(), x.shape[1])
        return torch.index_select(x, 0, rows, out=out)
