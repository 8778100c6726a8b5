"""V:N:M: in every block of V outputs and M inputs at most four inputs are used, and each output keeps at most N of them.

The pattern that sparse tensor cores run beyond 2:4: the four inputs are gathered, and what is left is N:4. Castro et al., VENOM: A
Vectorized N:M Format for Unleashing the Power of Sparse Tensor Cores, SC 2023, section 3.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import comb, inf, log
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from sparselab.auditing.bits import Axis, MaskBits, over_last, over_lines
from sparselab.auditing.chance import log_given, log_mean, log_sum
from sparselab.auditing.patterns.base import Pattern, Spot, Tally, first_true, runs
from sparselab.auditing.patterns.n_m import MOST
from sparselab.core.errors import SettingError

_USED = 4
_MOST_LINES = 256


@dataclass(frozen=True)
class VNMBlocks(Pattern):
    """Blocks of V lines and M weights along an axis, the last ones what remains; exactly: each line of a block keeps N."""

    v: int
    n: int
    m: int

    title: ClassVar[str] = f"N of every M, within {_USED} inputs that V outputs share"
    form: ClassVar[str] = "V:N:M"
    axes: ClassVar[tuple[Axis | None, ...]] = ("in",)
    stricts: ClassVar[tuple[bool, ...]] = (True, False)

    @property
    def name(self) -> str:
        return f"{self.v}:{self.n}:{self.m}"

    @classmethod
    def usual(cls) -> Sequence[Pattern]:
        return cls(16, 2, 8), cls(64, 2, 8), cls(64, 2, 16), cls(128, 2, 8)

    @classmethod
    def parse(cls, text: str) -> Pattern | None:
        found = re.fullmatch(r"(\d{1,9}):(\d{1,9}):(\d{1,9})", text)
        if found is None:
            return None
        v, n, m = map(int, found.groups())
        if not (1 <= v <= _MOST_LINES and 1 <= n <= _USED <= m <= MOST):
            raise SettingError(
                f"expected V:N:M with V up to {_MOST_LINES}, N up to {_USED}, and M from {_USED} to {MOST}; got {text}"
            )
        return cls(v, n, m)

    def fits(self, bits: MaskBits) -> bool:
        return self.v <= bits.lines and self.m <= bits.width

    def tally(self, bits: MaskBits, *, strict: bool) -> Tally:
        if not bits.has_words(self.m):
            return self._unpacked(bits, strict)
        used = np.bitwise_count(bits.over_lines(np.bitwise_or, self.v).view(f"<u{self.m // 8}"))
        least, most = (bits.over_lines(pick, self.v, counts_of=self.m) for pick in (np.minimum, np.maximum))
        bad = self._breaks(used, least, most, bits.width, strict)
        broken, at = first_true(bad)
        first = None
        if at is not None:
            group, block, position, window = at
            found = _found(int(used[at]), int(least[at]), int(most[at]))
            first = Spot(group, block * self.v, position, window * self.m, found)
        return Tally(bad.size, broken, first)

    def log_chance(self, bits: MaskBits, *, strict: bool) -> float:
        total, kept = bits.size, bits.count
        kinds = []
        for rows, height in runs(bits.lines, self.v):
            for cols, width in runs(bits.width, self.m):
                ways = _log_ways(height, self.n, width, strict)
                logs = ways + log_given(height * width, len(ways) - 1, total, kept)
                kinds.append((rows * cols, log_sum(logs)))
        return log_mean(kinds)

    def _breaks(
        self, used: NDArray[Any], least: NDArray[Any], most: NDArray[Any], width: int, strict: bool
    ) -> NDArray[np.bool_]:
        """Whether a block uses, or a line of it keeps, more than it may; blocks along the last axis."""
        is_bad: NDArray[np.bool_]
        if strict:
            wanted = np.full(used.shape[-1], self.n, np.uint16)
            wanted[-1] = min(self.n, (width - 1) % self.m + 1)
            is_bad = (least != wanted) | (most != wanted)
        else:
            is_bad = most > self.n
        return is_bad | (used > _USED)

    def _unpacked(self, bits: MaskBits, strict: bool) -> Tally:
        units = broken = 0
        first = None
        for group, lines in bits.chunks(self.v):
            kept = bits.unpacked(lines, group)[None]
            used = over_last(np.add, over_lines(np.bitwise_or, kept, self.v).astype(np.uint16), self.m)
            counts = over_last(np.add, kept.astype(np.uint16), self.m)
            least, most = (over_lines(pick, counts, self.v) for pick in (np.minimum, np.maximum))
            bad = self._breaks(used, least, most, bits.width, strict)
            count, at = first_true(bad)
            units, broken = units + bad.size, broken + count
            if first is None and at is not None:
                _, block, position, window = at
                found = _found(int(used[at]), int(least[at]), int(most[at]))
                first = Spot(group, lines.start + block * self.v, position, window * self.m, found)
        return Tally(units, broken, first)


def _found(used: int, least: int, most: int) -> str:
    each = f"{least}" if least == most else f"{least} to {most}"
    return f"{used} inputs used, {each} kept by an output"


@lru_cache(maxsize=64)
def _log_ways(height: int, n: int, width: int, strict: bool) -> NDArray[np.float64]:
    """Return, for j = 0, 1, 2 ..., the log of how many blocks with j weights kept fulfil the pattern.

    Of c used columns by inclusion and exclusion: sum over i of (-1)^(c-i) C(c, i) (sum over k of C(i, k) x^k)^height.
    """
    most = min(n, width)
    counts = (most,) if strict else range(most + 1)
    total = np.zeros(height * most + 1, dtype=object)
    powers = [_power([comb(i, k) if k in counts else 0 for k in range(most + 1)], height) for i in range(_USED + 1)]
    for c in range(min(_USED, width) + 1):
        for i in range(c + 1):
            total += comb(width, c) * (-1) ** (c - i) * comb(c, i) * powers[i]
    return np.array([log(ways) if ways else -inf for ways in total])


def _power(polynomial: list[int], exponent: int) -> NDArray[Any]:
    result, base = np.array([1], dtype=object), np.array(polynomial, dtype=object)
    for bit in bin(exponent)[2:]:
        result = np.convolve(result, result)
        if bit == "1":
            result = np.convolve(result, base)
    return result
