"""The input of a product as the C code sees it."""

from __future__ import annotations

import ctypes
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar

from sparselab.kernels.base import Conv

if TYPE_CHECKING:
    import torch

_SHAPES_KEPT = 64
_SIDES = ("images", "channels", "height", "width", "kernel_height", "kernel_width")
_STEPS = ("stride", "padding", "out_height", "out_width", "by_position")


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

    @property
    def is_line(self) -> bool:
        """Whether X is one line of features as they are, as every matrix is: no two outputs share an input."""
        sides = self.images, self.height, self.kernel_height, self.kernel_width
        return set(sides) == {1} and not self.padded_size

    def output_shape(self, rows: int, conv: Conv | None) -> tuple[int, ...]:
        """Return the shape of Y."""
        if conv is None:
            return rows, int(self.out_width)
        return int(self.images), rows, int(self.out_height), int(self.out_width)


def geometry_of(shape: tuple[int, ...], conv: Conv | None, *, by_position: bool = False) -> CGeometry:
    """Return the geometry of an input, of no positions or images too; `by_position`: as `as_c_reads_it` finds it."""
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
        by_position=by_position,
    )


def as_c_reads_it(x: torch.Tensor, conv: Conv | None) -> tuple[torch.Tensor, CGeometry]:
    """Return x as numbers in an order that C reads, copied only where it lies in another, and its geometry.

    A matrix X may be one transposed, whose features lie together position by position, as in the inputs of `torch.nn.Linear`.
    """
    x = x.resolve_neg()  # a view may be the negative of what lies in memory, and C reads the memory
    by_position = conv is None and not x.is_contiguous() and x.t().is_contiguous()
    return x if by_position else x.contiguous(), _geometry(tuple(x.shape), conv, by_position)


def memory_for(shape: tuple[int, ...], like: CGeometry) -> torch.Tensor:
    """Return memory for a Y or an X of `shape` which lies as the X of a geometry does."""
    import torch

    made = torch.empty(shape[::-1] if like.by_position else shape, dtype=torch.float32, device="cpu")
    return made.t() if like.by_position else made


_geometry = lru_cache(maxsize=_SHAPES_KEPT)(
    lambda shape, conv, by_position: geometry_of(shape, conv, by_position=by_position)
)
