"""Windows that eight bits are a multiple of: counted in a histogram of bytes, whatever must be true of one."""

from __future__ import annotations

from functools import lru_cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sparselab.auditing.bits import MaskBits
from sparselab.auditing.patterns.base import Spot, Tally, first_true


class WindowRule(Protocol):
    """What must be true of a window; hashable, so that its tables are made once."""

    def __hash__(self) -> int: ...

    def breaks(self, count: int, size: int, *, strict: bool) -> bool:
        """Whether a window of `size` weights, `count` of them kept, breaks the rule."""
        ...


def tally_windows(bits: MaskBits, m: int, rule: WindowRule, *, strict: bool) -> Tally:
    """Count the windows of m along a line, the last one what remains, and those that break the pattern; m is 1, 2, 4 or 8."""
    units = bits.size // bits.width * -(-bits.width // m)
    table, last = (_broken_windows(m, rule, strict, valid) for valid in (8, bits.tail))
    full, rest = bits.histograms
    broken = int(full @ table + rest @ last)
    return Tally(units, broken, _first(bits, m, rule, strict) if broken else None)


def _first(bits: MaskBits, m: int, rule: WindowRule, strict: bool) -> Spot | None:
    table, last = (_broken_windows(m, rule, strict, valid) > 0 for valid in (8, bits.tail))
    for group, lines in bits.growing_chunks():
        packed = bits.packed[group, lines]
        bad = table[packed]
        if bits.tail:
            bad[..., -1] = last[packed[..., -1]]
        at = first_true(bad)[1]
        if at is not None:
            line, position, byte = at
            windows = _windows(int(packed[at]), m, min(8, bits.width - 8 * byte))
            start, size, count = next(each for each in windows if rule.breaks(each[2], each[1], strict=strict))
            return Spot(group, lines.start + line, position, 8 * byte + start, f"{count} of {size} kept")
    return None


@lru_cache(maxsize=256)
def _broken_windows(m: int, rule: WindowRule, strict: bool, valid: int) -> NDArray[np.int64]:
    """Return for every byte how many windows of its first `valid` bits break the pattern."""
    return np.array(
        [
            sum(rule.breaks(count, size, strict=strict) for _, size, count in _windows(byte, m, valid))
            for byte in range(256)
        ]
    )


def _windows(byte: int, m: int, valid: int) -> list[tuple[int, int, int]]:
    """Return (start, size, kept) of the windows of a byte."""
    sizes = [(start, min(m, valid - start)) for start in range(0, valid, m)]
    return [(start, size, (byte >> start & (1 << size) - 1).bit_count()) for start, size in sizes]
