"""A convolution over a sequence in blocks."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from sparselab.core.errors import SettingError
from sparselab.core.layout import Layout
from sparselab.kernels.base import Conv
from sparselab.nn.block_module import BlockModule
from sparselab.nn.support.dense_layer import filled


class BlockConv1d(BlockModule):
    """A convolution over a sequence with its weight in blocks: `BlockConv1d(layout, conv)` takes its weights from a dense one.

    x: N x C x L. It is the convolution of images of height 1, padded beforehand, so that the same kernels run it. What
    multiplies: see `BlockModule`.
    """

    def __init__(self, layout: Layout, dense: nn.Conv1d, kernel: str = "auto") -> None:
        if isinstance(dense.padding, str) or dense.dilation != (1,) or dense.padding_mode != "zeros":
            raise SettingError(f"expected a plain convolution, padded with a number of zeros; got {dense}")
        self._width, self._stride, self._padding = dense.kernel_size[0], dense.stride[0], dense.padding[0]
        self._groups = dense.groups
        super().__init__(layout, dense, kernel)

    @property
    def groups(self) -> int:
        return self._groups

    @property
    def conv(self) -> Conv:
        return Conv((1, self._width), self._stride)

    @property
    def padding(self) -> int:
        return self._padding

    def compute(self, x: Tensor) -> Tensor:
        if x.dim() == 2:
            return self.compute(x[None])[0]
        return self.product(self.as_work(x)).squeeze(2)

    def as_work(self, x: Tensor) -> Tensor:
        x = self.accepted(x[None] if x.dim() == 2 else x)
        return functional.pad(x, (self._padding, self._padding))[:, :, None].contiguous()

    def weighted(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        return functional.conv1d(x.squeeze(2), weight, bias, stride=self._stride, groups=self._groups)[:, :, None]

    def dense(self) -> nn.Conv1d:
        rows, channels, width = self.dense_shape
        at: dict[str, Any] = {"stride": self._stride, "padding": self._padding, "groups": self._groups}
        layer = nn.Conv1d(
            channels * self._groups, rows, width, bias=self.bias is not None, device=torch.device("meta"), **at
        )
        return cast(nn.Conv1d, filled(layer, self))
