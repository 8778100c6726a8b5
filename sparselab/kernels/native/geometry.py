"""The input of a product as the C code sees it."""

from __future__ import annotations

import ctypes
from typing import ClassVar

from sparselab.kernels.base import Conv

_SIDES = ("images", "channels", "height", "width", "kernel_height", "kernel_width")
_STEPS = ("stride", "padding", "out_height", "out_width")


class CGeometry(ctypes.Structure):
    """The `geometry` of positions.h: a matrix product is a convolution of one image of one line, with a 1 x 1 kernel."""

    _fields_: ClassVar = [(name, ctypes.c_int64) for name in (*_SIDES, *_STEPS)]

    @property
    def positions(self) -> int:
        """Columns of Y."""
        return int(self.images * self.out_height * self.out_width)

    @property
    def padded_size(self) -> int:
        """How many numbers the input takes once it is padded, and sorted by phase: 0 where it is read as it lies."""
        if self.stride == 1 and self.padding == 0:
            return 0
        sides = [-(-(side + 2 * self.padding) // self.stride) for side in (self.height, self.width)]
        return int(self.images * self.channels * self.stride**2 * sides[0] * sides[1])

    def output_shape(self, rows: int, conv: Conv | None) -> tuple[int, ...]:
        """Return the shape of Y."""
        if conv is None:
            return rows, int(self.out_width)
        return int(self.images), rows, int(self.out_height), int(self.out_width)


def geometry_of(shape: tuple[int, ...], conv: Conv | None) -> CGeometry:
    """Return the geometry of an input, of no positions or images too."""
    if conv is None:
        features, positions = shape
        shape, sizes, conv = (1, features, 1, positions), (1, positions), Conv((1, 1))
    else:
        sizes = conv.output_size(*shape[2:])
    images, channels, height, width = shape
    return CGeometry(
        images=images,
        channels=channels,
        height=height,
        width=width,
        kernel_height=conv.kernel_shape[0],
        kernel_width=conv.kernel_shape[1],
        stride=conv.stride,
        padding=conv.padding,
        out_height=sizes[0],
        out_width=sizes[1],
    )
