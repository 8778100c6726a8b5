"""N:M: of every M neighbouring weights at most N are kept, or exactly N."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from sparselab.auditing.bits import Axis, MaskBits, over_last
from sparselab.auditing.chance import log_kept, log_mean, log_sum
from sparselab.auditing.patterns.base import Pattern, Spot, Tally, first_true, runs
from sparselab.auditing.patterns.byte_windows import tally_windows
from sparselab.core.errors import SettingError

MOST = 4096
"""The longest window that may be asked for."""


@dataclass(frozen=True)
class NMWindows(Pattern):
    """Windows of M along an axis, the last one what remains of a line; exactly: N of each, or all of a shorter one."""

    n: int
    m: int

    title: ClassVar[str] = "N of every M neighbouring weights"
    form: ClassVar[str] = "N:M"
    axes: ClassVar[tuple[Axis | None, ...]] = ("in", "out")
    stricts: ClassVar[tuple[bool, ...]] = (True, False)

    @property
    def name(self) -> str:
        return f"{self.n}:{self.m}"

    @classmethod
    def usual(cls) -> Sequence[Pattern]:
        return cls(2, 4), cls(1, 4), cls(4, 8), cls(1, 2)

    @classmethod
    def parse(cls, text: str) -> Pattern | None:
        found = re.fullmatch(r"(\d{1,9}):(\d{1,9})", text)
        if found is None:
            return None
        n, m = map(int, found.groups())
        if not 1 <= n < m <= MOST:
            raise SettingError(f"expected N:M with N from 1 to below M, and M up to {MOST}; got {text}")
        return cls(n, m)

    def fits(self, bits: MaskBits) -> bool:
        return self.m <= bits.width

    def tally(self, bits: MaskBits, *, strict: bool) -> Tally:
        if 8 % self.m == 0:
            return tally_windows(bits, self.m, self, strict=strict)
        return self._unpacked(bits, strict)

    def breaks(self, count: int, size: int, *, strict: bool) -> bool:
        """Whether a window of `size` weights, `count` of them kept, is none of the pattern."""
        return count != min(self.n, size) if strict else count > self.n

    def log_chance(self, bits: MaskBits, *, strict: bool) -> float:
        total, kept = bits.size, bits.count
        kinds = []
        for count, size in runs(bits.width, self.m):
            most = min(self.n, size)
            logs = log_kept(size, most, total, kept)
            kinds.append((count, float(logs[most]) if strict else log_sum(logs)))
        return log_mean(kinds)

    def _unpacked(self, bits: MaskBits, strict: bool) -> Tally:
        units = broken = 0
        first = None
        for group, lines in bits.chunks(1):
            counts = over_last(np.add, bits.unpacked(lines, group).astype(np.uint16), self.m)
            count, at = first_true(self._breaks(counts, bits.width, strict))
            units, broken = units + counts.size, broken + count
            if first is None and at is not None:
                line, position, window = at
                start = window * self.m
                found = f"{counts[at]} of {min(self.m, bits.width - start)} kept"
                first = Spot(group, lines.start + line, position, start, found)
        return Tally(units, broken, first)

    def _breaks(self, counts: NDArray[np.uint16], width: int, strict: bool) -> NDArray[np.bool_]:
        if not strict:
            return np.asarray(counts > self.n)
        wanted = np.full(counts.shape[-1], self.n)
        wanted[-1] = min(self.n, (width - 1) % self.m + 1)
        return np.asarray(counts != wanted)
