"""Blocks: of every h outputs and w inputs all weights are kept or none is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from sparselab.auditing.bits import Bytes, MaskBits, over_last
from sparselab.auditing.chance import log_mean, log_whole
from sparselab.auditing.patterns.base import Pattern, Spot, Tally, first_true, runs
from sparselab.auditing.patterns.byte_windows import tally_windows
from sparselab.core.errors import SettingError

_MOST = 2**24


@dataclass(frozen=True)
class WholeBlocks(Pattern):
    """Blocks of h lines and w weights at a position of the kernel, the last ones what remains."""

    h: int
    w: int

    title: ClassVar[str] = "blocks of h outputs and w inputs, all kept or all zero"
    form: ClassVar[str] = "HxW"

    @property
    def name(self) -> str:
        return f"{self.h}x{self.w}"

    @classmethod
    def usual(cls) -> Sequence[Pattern]:
        return (cls(1, 4), cls(4, 1), *(cls(side, side) for side in (4, 8, 16, 32, 64)))

    @classmethod
    def parse(cls, text: str) -> Pattern | None:
        found = re.fullmatch(r"(\d{1,9})x(\d{1,9})", text)
        if found is None:
            return None
        h, w = map(int, found.groups())
        if not (1 <= h <= _MOST and 1 <= w <= _MOST and h * w > 1):
            raise SettingError(f"expected blocks of two weights or more, such as 16x16; got {text}")
        return cls(h, w)

    def fits(self, bits: MaskBits) -> bool:
        return self.h <= bits.lines and self.w <= bits.width

    def tally(self, bits: MaskBits, *, strict: bool) -> Tally:
        if self.h == 1 and 8 % self.w == 0:
            return tally_windows(bits, self.w, self, strict=strict)
        units = bits.groups * -(-bits.lines // self.h) * bits.positions * -(-bits.width // self.w)
        height = min(self.h, bits.lines)
        used, whole = (bits.over_lines(operate, height) for operate in (np.bitwise_or, np.bitwise_and))
        if bits.tail:
            whole = whole.copy()
            whole[..., -1] |= np.uint8(0xFF << bits.tail & 0xFF)
        if 8 % self.w == 0:
            in_byte = used & ~whole if self.w == 1 else _used_windows(self.w)[used] & ~_whole_windows(self.w)[whole]
            broken, at = int(np.bitwise_count(in_byte).sum(dtype=np.int64)), first_true(in_byte != 0)[1]
            start = 0 if at is None else 8 * at[-1] + self.w * _lowest(int(in_byte[at]))
        else:
            bad = _breaks_of_bytes(used, whole, self.w) if self.w % 8 == 0 else self._unpacked(used, whole, bits.width)
            broken, at = first_true(bad)
            start = 0 if at is None else at[-1] * self.w
        return Tally(units, broken, None if at is None else self._spot(bits, at, start))

    def breaks(self, count: int, size: int, *, strict: bool) -> bool:
        """Whether a block of `size` weights, `count` of them kept, is neither whole nor empty."""
        return 0 < count < size

    def log_chance(self, bits: MaskBits, *, strict: bool) -> float:
        total, kept = bits.size, bits.count
        return log_mean(
            (rows * cols, log_whole(height * width, total, kept))
            for rows, height in runs(bits.lines, self.h)
            for cols, width in runs(bits.width, self.w)
        )

    def _unpacked(self, used: Bytes, whole: Bytes, width: int) -> NDArray[np.bool_]:
        bits = (np.unpackbits(part, axis=-1, count=width, bitorder="little") for part in (used, whole))
        step = min(self.w, width)
        some, every = (
            over_last(operate, part, step) for operate, part in zip((np.bitwise_or, np.bitwise_and), bits, strict=True)
        )
        return np.asarray(some > every)

    def _spot(self, bits: MaskBits, at: tuple[int, ...], start: int) -> Spot:
        group, block, position, _ = at
        lines = slice(block * self.h, min((block + 1) * self.h, bits.lines))
        of_lines = bits.packed[group, lines, position, start // 8 : -(-min(start + self.w, bits.width) // 8)]
        block_bits = np.unpackbits(of_lines, axis=-1, bitorder="little")[:, start % 8 :]
        width = min(self.w, bits.width - start)
        found = f"{int(np.count_nonzero(block_bits[:, :width]))} of {len(block_bits) * width} kept"
        return Spot(group, lines.start, position, start, found)


def _breaks_of_bytes(used: Bytes, whole: Bytes, width: int) -> NDArray[np.bool_]:
    some = over_last(np.bitwise_or, used, width // 8)
    every = over_last(np.bitwise_and, whole, width // 8)
    return np.asarray((some != 0) & (every != 0xFF))


@lru_cache
def _used_windows(w: int) -> Bytes:
    """Return for every byte a bit a window of w: whether any of it is 1."""
    return np.array([_bits_of(part != 0 for part in _windows(byte, w)) for byte in range(256)], np.uint8)


@lru_cache
def _whole_windows(w: int) -> Bytes:
    """Return for every byte a bit a window of w: whether all of it is 1."""
    return np.array([_bits_of(part == (1 << w) - 1 for part in _windows(byte, w)) for byte in range(256)], np.uint8)


def _windows(byte: int, w: int) -> list[int]:
    return [byte >> start & (1 << w) - 1 for start in range(0, 8, w)]


def _bits_of(truths: Iterable[bool]) -> int:
    return sum(truth << place for place, truth in enumerate(truths))


def _lowest(byte: int) -> int:
    return (byte & -byte).bit_length() - 1
