"""A convolution in blocks."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn

from sparselab.core.errors import SettingError
from sparselab.core.layout import Layout
from sparselab.core.torch_private import in_function_transform
from sparselab.kernels.base import Conv
from sparselab.nn.block_module import BlockModule
from sparselab.nn.support.dense_layer import filled


def conv_of(dense: nn.Conv2d) -> Conv:
    """Return the geometry of a convolution.

    Raises: SettingError for what the kernels do not run: dilation, padding with anything but zeros, or strides and
    paddings that differ between the directions.
    """
    stride, padding = set(dense.stride), dense.padding
    sides = set(padding) if not isinstance(padding, str) else {padding}
    plain = set(dense.dilation) == {1} and dense.padding_mode == "zeros"
    if not plain or len(stride) > 1 or len(sides) > 1 or isinstance(padding, str):
        raise SettingError(f"expected a plain convolution, alike in both directions; got {dense}")
    return Conv((dense.kernel_size[0], dense.kernel_size[1]), dense.stride[0], padding[0])


class BlockConv2d(BlockModule):
    """A convolution with its weight in the blocks of a layout: `BlockConv2d(layout, conv)` takes its weights from a dense one.

    x: N x C x H x W. What multiplies: see `BlockModule`.
    """

    def __init__(self, layout: Layout, dense: nn.Conv2d, kernel: str = "auto") -> None:
        self._geometry, self._groups = conv_of(dense), dense.groups
        super().__init__(layout, dense, kernel)

    @property
    def groups(self) -> int:
        return self._groups

    @property
    def conv(self) -> Conv:
        return self._geometry

    def compute(self, x: Tensor) -> Tensor:
        if x.dim() == 3:
            return self.compute(x[None])[0]
        y = self.product(self.as_work(x))
        if in_function_transform():  # which cannot be asked for a memory format, and runs the dense convolution
            return y
        last = torch.channels_last
        is_last = x.is_contiguous(memory_format=last) and not x.is_contiguous()
        return y.contiguous(memory_format=last) if is_last else y

    def as_work(self, x: Tensor) -> Tensor:
        return self.accepted(x[None] if x.dim() == 3 else x)

    def dense(self) -> nn.Conv2d:
        rows, channels, *kernel = self.dense_shape
        at: dict[str, Any] = {
            "stride": self.stride,
            "padding": self.padding,
            "groups": self._groups,
            "device": torch.device("meta"),
        }
        layer = nn.Conv2d(channels * self._groups, rows, (kernel[0], kernel[1]), bias=self.bias is not None, **at)
        return cast(nn.Conv2d, filled(layer, self))
