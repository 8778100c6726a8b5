"""dX of a layer whose weight is made dense for it: where the dense product is quicker than blocks' sums."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sparselab.core.mask import IntVector
from sparselab.kernels.base import Work

if TYPE_CHECKING:
    from torch import Tensor


class DenseInputGradient:
    """dX = W^T dY, of a convolution its transpose, with the values written to their places in a W of zeros at every call."""

    def __init__(self, work: Work, places: tuple[IntVector, IntVector]) -> None:
        import torch

        rows, cols = places
        self._work = work
        self._flat = torch.from_numpy(rows * work.layout.after.cols + cols).to(work.device)

    def __call__(self, slope: Tensor, x: Tensor, values: Tensor) -> Tensor:
        from torch.nn.grad import conv2d_input

        rows, cols = self._work.layout.after.shape
        weight = values.new_zeros(rows * cols).index_copy_(0, self._flat, values).view(self._work.tensor_shape)
        conv = self._work.conv
        if conv is None:
            return weight.t() @ slope
        dx: Tensor = conv2d_input(x.shape, weight, slope, conv.stride, conv.padding)  # type: ignore[no-untyped-call]
        return dx
