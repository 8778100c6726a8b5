"""How X lies in memory for a kernel that adds a column's offset to a position's: as it is, padded, or unrolled."""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd, prod

import numpy as np
from numpy.typing import NDArray

from sparselab.kernels.base import Conv

ARRANGEMENTS = ("padded", "checked", "unrolled")
"""padded: a border of zeros is laid round X once, unless it needs none.
checked: X as it is; every load looks whether it falls inside.
unrolled: one copy of X for each column of the kernel, shifted and strided beforehand, so that neighbouring positions are
neighbours in memory, at addresses wide loads can use; kernel width times the memory of X."""

_UNROLLED_PITCH = 8  # elements: 16 bytes of a 2-byte type
_MOST_ALIGNED = 16


@dataclass(frozen=True, eq=False)
class Geometry:
    """X[k, n] lies at offsets[k] + image x_image + line x_line + place x_place, with n = (image lines + line) pitch + place.

    A line holds `pitch` positions, of which the first `width` are positions of Y.
    offsets: by column of W. taps: place of a column in the kernel. numel: numbers in the arranged X.
    copies, height, x_pitch, step, border: how X is arranged, as copies x images x channels x height x x_pitch; copies is 0
    where it stays as it is.
    """

    offsets: NDArray[np.int64]
    taps: NDArray[np.int32]
    images: int
    lines: int
    width: int
    pitch: int
    x_image: int
    x_line: int
    x_place: int
    numel: int
    copies: int = 0
    height: int = 0
    x_pitch: int = 0
    step: int = 1
    border: int = 0

    @property
    def positions(self) -> int:
        return self.images * self.lines * self.pitch

    @property
    def plain(self) -> bool:
        """Whether a position's number is its offset, in X and in Y."""
        return self.images == self.lines == self.x_place == 1 and self.pitch == self.width

    def x_align(self, cols: NDArray[np.int64]) -> int:
        """Return how many neighbouring positions surely are neighbours in X, at offsets that number divides, for these columns."""
        if self.x_place != 1:
            return 1
        steps = [self.pitch, self.x_image if self.images > 1 else 0, self.x_line if self.lines > 1 else 0]
        return _power_of_two(int(np.gcd.reduce(self.offsets[cols].ravel(), initial=0)), *steps)

    @property
    def y_align(self) -> int:
        """The same of Y, N x out x lines x width."""
        return _power_of_two(self.width, self.pitch)


def geometry(arrangement: str, shape: tuple[int, ...], cols: int, conv: Conv | None) -> Geometry:
    """Return where X of this shape lies once arranged; a matrix product's X always lies as it is."""
    if conv is None:
        positions = shape[1]
        offsets = np.arange(cols, dtype=np.int64) * positions
        return Geometry(offsets, np.zeros(cols, np.int32), 1, 1, positions, positions, 0, 0, 1, prod(shape))
    images, channels, height, width = shape
    out_height, out_width = conv.output_size(height, width)
    channel, row, column = np.unravel_index(np.arange(cols), (channels, *conv.kernel_shape))
    taps = (row * conv.kernel_shape[1] + column).astype(np.int32)
    if arrangement == "unrolled":
        height, pitch = height + 2 * conv.padding, -(-out_width // _UNROLLED_PITCH) * _UNROLLED_PITCH
        offsets = ((column * images * channels + channel) * height + row) * pitch
        made = (conv.kernel_shape[1], height, pitch, conv.stride, conv.padding)
        strides = (channels * height * pitch, conv.stride * pitch, 1)
        numel = prod(made[:3]) * images * channels
        return Geometry(offsets, taps, images, out_height, out_width, pitch, *strides, numel, *made)
    border = conv.padding if arrangement == "padded" else 0
    height, width = height + 2 * border, width + 2 * border
    offsets = (channel * height + row) * width + column
    if arrangement == "checked":
        offsets = offsets - conv.padding * (width + 1)
    strides = (channels * height * width, conv.stride * width, conv.stride)
    numel = images * strides[0]
    if out_width == width and arrangement == "padded":
        # Lines that follow one another without a gap are one line.
        out_height, out_width = 1, out_height * out_width
    made = (1, height, width, 1, border) if border else (0, 0, 0, 1, 0)
    return Geometry(offsets, taps, images, out_height, out_width, out_width, *strides, numel, *made)


def arrangements(conv: Conv | None) -> tuple[str, ...]:
    """Return the arrangements worth trying: those that differ for this product."""
    if conv is None:
        return ("padded",)
    checked = ("checked",) if conv.padding and prod(conv.kernel_shape) <= 62 else ()
    return ("padded", *checked, "unrolled")


def _power_of_two(*numbers: int) -> int:
    """Return the largest power of two up to 16 that divides them all."""
    return gcd(*numbers, _MOST_ALIGNED)
