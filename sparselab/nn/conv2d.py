"""A convolution in blocks."""

from __future__ import annotations

from torch import Tensor, nn

from sparselab.core.errors import SettingError
from sparselab.core.layout import Layout
from sparselab.kernels.base import Conv
from sparselab.nn.block_module import BlockModule


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

    def forward(self, x: Tensor) -> Tensor:
        if x.dim() == 3:
            return self.forward(x[None])[0]
        return self.product(self.accepted(x))
