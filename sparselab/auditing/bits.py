"""The mask of a layer, eight weights to a byte, lined up along its inputs or its outputs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Axis: TypeAlias = Literal["in", "out"]
"""What a window runs along: neighbouring inputs of an output, or neighbouring outputs of an input."""

Bytes: TypeAlias = NDArray[np.uint8]
_FEW = 4  # runs of more lines are reduced from those of half as many
_CHUNK_PARTS = 2**8
_CHUNK = 2**20  # bytes or words looked at in one go: what is made beside them stays small


@dataclass(frozen=True, eq=False)
class MaskBits:
    """Bits along one axis: 1 is kept.

    `packed` is groups x lines x positions x bytes. Along "in" a line is an output of a group, along "out" an input; a position is
    one of the kernel's, so that the bits of a line at a position are neighbouring channels. There are `width` of them, the first
    one the least significant bit of the first byte; what is left of the last byte is 0. `count` weights are kept.
    """

    packed: Bytes
    width: int
    count: int

    @property
    def groups(self) -> int:
        return int(self.packed.shape[0])

    @property
    def lines(self) -> int:
        return int(self.packed.shape[1])

    @property
    def positions(self) -> int:
        return int(self.packed.shape[2])

    @property
    def size(self) -> int:
        """Number of weights."""
        return self.groups * self.lines * self.positions * self.width

    @property
    def tail(self) -> int:
        """How many bits of the last byte of a line count; 0 where all bytes are full."""
        return self.width % 8

    @cached_property
    def line_counts(self) -> NDArray[np.int64]:
        """Weights kept, groups x lines x positions."""
        counts = np.empty(self.packed.shape[:-1], np.int64)
        for group, lines in self.chunks(1):
            counts[group, lines] = np.bitwise_count(_wide(self.packed[group, lines])).sum(axis=-1, dtype=np.int64)
        return counts

    @cached_property
    def histograms(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """How often each value of a byte comes: among the full bytes, and among those of which `tail` bits count."""
        full = self.packed[..., : self.width // 8]
        rest = self.packed[..., self.width // 8 :]
        return _histogram(full), _histogram(rest)

    @cached_property
    def turned(self) -> MaskBits:
        """The same mask along the other axis: lines and bits change places."""
        groups, lines, positions, length = self.packed.shape
        blocks = -(-lines // 8)
        packed = self.packed
        if lines % 8:
            packed = np.concatenate([packed, np.zeros((groups, -lines % 8, *packed.shape[2:]), np.uint8)], axis=1)
        columns = np.empty((groups, blocks, positions, length, 8), np.uint8)
        for place, bits in enumerate(_transposed(packed.reshape(groups, blocks, 8, positions, length))):
            columns[..., place] = bits
        by_column = columns.reshape(groups, blocks, positions, -1)[..., : self.width]
        return MaskBits(
            by_column.transpose(0, 3, 2, 1), lines, self.count
        )  # a view: what is counted byte by byte needs no order

    @cached_property
    def _reduced(self) -> dict[tuple[str, str, int], NDArray[Any]]:
        return {}

    def over_lines(self, operate: np.ufunc, height: int, *, counts_of: int = 0) -> NDArray[Any]:
        """Reduce the bytes over runs of `height` lines, the last of what remains; kept, because patterns ask for the same.

        counts_of: not the bytes, but how many weights are kept in each window of so many, see `window_counts`.
        """
        if height == 1:
            return self.window_counts(counts_of) if counts_of else self.packed
        key = (operate.__name__, f"counts of {counts_of}", height)
        if key not in self._reduced:
            half = height % 2 == 0 and height > _FEW
            values = self.over_lines(operate, height // 2 if half else 1, counts_of=counts_of)
            self._reduced[key] = over_lines(operate, values, 2 if half else height)
        return self._reduced[key]

    def window_counts(self, m: int) -> NDArray[np.uint8]:
        """Return the weights kept in each window of m; for m that `has_words` alone."""
        key = ("count", f"counts of {m}", 1)
        if key not in self._reduced:
            self._reduced[key] = np.bitwise_count(self.packed.view(f"<u{m // 8}"))
        return self._reduced[key]

    def has_words(self, m: int) -> bool:
        """Whether the windows of m are words of the processor's, one after the other."""
        return m in (8, 16, 32, 64) and self.packed.shape[-1] % (m // 8) == 0 and self.packed.flags.c_contiguous

    def along(self, axis: Axis) -> MaskBits:
        """Return these bits, which run along "in", along an axis."""
        return self if axis == "in" else self.turned

    def unpacked(self, lines: slice, group: int) -> NDArray[np.uint8]:
        """Return some lines of a group as 0 and 1, lines x positions x width."""
        return np.unpackbits(self.packed[group, lines], axis=-1, count=self.width, bitorder="little")

    def chunks(self, height: int) -> Iterator[tuple[int, slice]]:
        """Yield (group, lines), in order, some lines at a time; in multiples of `height`, so that no block is cut."""
        step = height * max(1, _CHUNK // (height * self.positions * self.width))
        for group in range(self.groups):
            for start in range(0, self.lines, step):
                yield group, slice(start, min(start + step, self.lines))

    def growing_chunks(self) -> Iterator[tuple[int, slice]]:
        """Yield (group, lines), in order, ever more lines at a time: for a search that mostly ends soon."""
        most = max(1, _CHUNK // (self.positions * self.packed.shape[-1]))
        step = max(1, most // _CHUNK_PARTS)
        for group in range(self.groups):
            start = 0
            while start < self.lines:
                yield group, slice(start, min(start + step, self.lines))
                start, step = start + step, min(2 * step, most)


def _transposed(packed: Bytes) -> list[Bytes]:
    """Return eight lines (axis 2), of which byte b has columns 8b to 8b + 7, as eight arrays: byte b of array i is column 8b + i.

    Eight by eight bits change places in three swaps: of halves, of quarters and of neighbours.
    """
    words = [_wide(packed[:, :, line].copy()) for line in range(8)]
    code = words[0].dtype
    for distance, bits in ((4, 0x0F), (2, 0x33), (1, 0x55)):
        shift, mask = code.type(distance), code.type(int.from_bytes(bytes([bits]) * code.itemsize, "little"))
        for line in range(8):
            if not line & distance:
                low, high = words[line], words[line | distance]
                swap = low >> shift
                swap ^= high
                swap &= mask
                high ^= swap
                swap <<= shift
                low ^= swap
    return [part.view(np.uint8) for part in words]


def _wide(packed: Bytes) -> NDArray[Any]:
    """Return bytes as the longest words that the last axis is made of: fewer of them are looked at."""
    size = next(size for size in (8, 4, 2, 1) if packed.shape[-1] % size == 0)
    return np.ascontiguousarray(packed).view(f"<u{size}")


def over_lines(operate: np.ufunc, packed: NDArray[Any], height: int) -> NDArray[Any]:
    """Reduce axis 1 in runs of `height`, the last of what remains."""
    groups, lines, *rest = packed.shape
    full = lines // height
    whole = operate.reduce(packed[:, : full * height].reshape(groups, full, height, *rest), axis=2)
    if lines % height:
        last = operate.reduce(packed[:, full * height :], axis=1, keepdims=True)
        whole = np.concatenate([whole, last], axis=1)
    return np.asarray(whole)


def over_last(operate: np.ufunc, values: NDArray[Any], step: int) -> NDArray[Any]:
    """Reduce the last axis in runs of `step`, the last of what remains."""
    if step == 1:
        return values
    return np.asarray(operate.reduceat(values, np.arange(0, values.shape[-1], step), axis=-1))


def _histogram(packed: Bytes) -> NDArray[np.int64]:
    flat = packed.ravel(order="K")
    if flat.size % 2 or flat.size < _CHUNK:
        return np.bincount(flat, minlength=256)
    # Two bytes at a time take half as long.
    counts = np.zeros(2**16, np.int64)
    pairs = flat.view(np.uint16)
    for start in range(0, pairs.size, _CHUNK):
        counts += np.bincount(pairs[start : start + _CHUNK], minlength=2**16)
    square = counts.reshape(256, 256)
    return np.asarray(square.sum(axis=0) + square.sum(axis=1))
