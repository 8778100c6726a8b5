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


@dataclass(frozen=True, kw_only=True)
class Positions:
    """The positions of Y in the order a kernel counts them: `images` of `lines` of `pitch`, the first `width` of a line in Y.

    Position n is number n % pitch of line n // pitch; what lies beyond `width` is computed and not written.
    """

    images: int = 1
    lines: int = 1
    width: int
    pitch: int

    @property
    def count(self) -> int:
        return self.images * self.lines * self.pitch


@dataclass(frozen=True, kw_only=True)
class Strides:
    """Numbers of X from one image, line and position to the next."""

    image: int = 0
    line: int = 0
    position: int = 1


@dataclass(frozen=True, kw_only=True)
class Rearranged:
    """X written anew, with zeros round it, as copies x images x channels x height x pitch.

    Copy c holds X[image, channel, line - border, column * step + c - border] at (line, column).
    """

    copies: int
    height: int
    pitch: int
    step: int
    border: int


@dataclass(frozen=True, eq=False, kw_only=True)
class Geometry:
    """X[k, n] lies at offsets[k] + image * strides.image + line * strides.line + number * strides.position.

    Position n has the number n % pitch of line (n // pitch) % lines of image n // pitch // lines, as `positions` counts.
    offsets: by column of W. taps: where in the kernel a column lies, kh * width + kw. numel: numbers in the arranged X.
    rearranged: how X is written anew; None where it stays as it is.
    """

    offsets: NDArray[np.int64]
    taps: NDArray[np.int32]
    positions: Positions
    strides: Strides
    numel: int
    rearranged: Rearranged | None = None

    @property
    def plain(self) -> bool:
        """Whether a position's number is its offset, in X and in Y."""
        of = self.positions
        return of.images == of.lines == self.strides.position == 1 and of.pitch == of.width

    def x_align(self, cols: NDArray[np.int64]) -> int:
        """Return how many neighbouring positions surely are neighbours in X, at offsets that number divides, for these columns."""
        if self.strides.position != 1:
            return 1
        image = self.strides.image if self.positions.images > 1 else 0
        line = self.strides.line if self.positions.lines > 1 else 0
        first = int(np.gcd.reduce(self.offsets[cols].ravel(), initial=0))
        return _power_of_two(first, self.positions.pitch, image, line)

    @property
    def y_align(self) -> int:
        """The same of Y, N x out x lines x width."""
        return _power_of_two(self.positions.width, self.positions.pitch)


def geometry_of(arrangement: str, shape: tuple[int, ...], cols: int, conv: Conv | None) -> Geometry:
    """Return where X of this shape lies once arranged; a matrix product's X always lies as it is."""
    if conv is None:
        return _matrix(shape, cols)
    if arrangement == "unrolled":
        return _unrolled(shape, cols, conv)
    return _whole(shape, cols, conv, checked=arrangement == "checked")


def arrangements(conv: Conv | None) -> tuple[str, ...]:
    """Return the arrangements worth trying: those that differ for this product."""
    if conv is None:
        return ("padded",)
    checked = ("checked",) if conv.padding and prod(conv.kernel_shape) <= 62 else ()
    return ("padded", *checked, "unrolled")


def _matrix(shape: tuple[int, ...], cols: int) -> Geometry:
    positions = shape[1]
    return Geometry(
        offsets=np.arange(cols, dtype=np.int64) * positions,
        taps=np.zeros(cols, np.int32),
        positions=Positions(width=positions, pitch=positions),
        strides=Strides(),
        numel=prod(shape),
    )


def _unrolled(shape: tuple[int, ...], cols: int, conv: Conv) -> Geometry:
    images, channels, height, width = shape
    lines, line_width = conv.output_size(height, width)
    channel, row, column = _kernel_indices(channels, cols, conv)
    made = Rearranged(
        copies=conv.kernel_shape[1],
        height=height + 2 * conv.padding,
        pitch=-(-line_width // _UNROLLED_PITCH) * _UNROLLED_PITCH,
        step=conv.stride,
        border=conv.padding,
    )
    plane = made.height * made.pitch
    return Geometry(
        offsets=(column * images * channels + channel) * plane + row * made.pitch,
        taps=_taps(row, column, conv),
        positions=Positions(images=images, lines=lines, width=line_width, pitch=made.pitch),
        strides=Strides(image=channels * plane, line=conv.stride * made.pitch),
        numel=made.copies * images * channels * plane,
        rearranged=made,
    )


def _whole(shape: tuple[int, ...], cols: int, conv: Conv, *, checked: bool) -> Geometry:
    """Return where X lies as one whole: with a border of zeros where it needs one, or as it is and `checked` at every load."""
    images, channels, height, width = shape
    lines, line_width = conv.output_size(height, width)
    channel, row, column = _kernel_indices(channels, cols, conv)
    border = 0 if checked else conv.padding
    height, width = height + 2 * border, width + 2 * border
    first = -conv.padding * (width + 1) if checked else 0
    image = channels * height * width
    if line_width == width and not checked:
        # Lines that follow one another without a gap are one line.
        lines, line_width = 1, lines * line_width
    return Geometry(
        offsets=(channel * height + row) * width + column + first,
        taps=_taps(row, column, conv),
        positions=Positions(images=images, lines=lines, width=line_width, pitch=line_width),
        strides=Strides(image=image, line=conv.stride * width, position=conv.stride),
        numel=images * image,
        rearranged=Rearranged(copies=1, height=height, pitch=width, step=1, border=border) if border else None,
    )


def _kernel_indices(channels: int, cols: int, conv: Conv) -> tuple[NDArray[np.int64], ...]:
    """Return channel, row and column in the kernel of every column of W."""
    return np.unravel_index(np.arange(cols), (channels, *conv.kernel_shape))


def _taps(row: NDArray[np.int64], column: NDArray[np.int64], conv: Conv) -> NDArray[np.int32]:
    return (row * conv.kernel_shape[1] + column).astype(np.int32)


def _power_of_two(*numbers: int) -> int:
    """Return the largest power of two up to 16 that divides them all."""
    return gcd(*numbers, _MOST_ALIGNED)
