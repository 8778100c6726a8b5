"""Whole rows: of every output all weights are kept or none is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from sparselab.auditing.bits import MaskBits
from sparselab.auditing.chance import log_whole
from sparselab.auditing.patterns.base import Pattern, Spot, Tally, first_true


@dataclass(frozen=True)
class WholeRows(Pattern):
    """A row is an output: all its inputs, at all positions of the kernel."""

    title: ClassVar[str] = "rows (outputs), all kept or all zero"
    form: ClassVar[str] = "rows"

    @property
    def name(self) -> str:
        return "whole rows"

    @classmethod
    def usual(cls) -> Sequence[Pattern]:
        return (cls(),)

    @classmethod
    def parse(cls, text: str) -> Pattern | None:
        return cls() if text in ("rows", "whole rows") else None

    def tally(self, bits: MaskBits, *, strict: bool) -> Tally:
        counts, size = bits.line_counts.sum(axis=-1), bits.positions * bits.width
        broken, at = first_true((counts != 0) & (counts != size))
        first = None if at is None else Spot(at[0], at[1], 0, 0, f"{counts[at]} of {size} kept")
        return Tally(counts.size, broken, first)

    def log_chance(self, bits: MaskBits, *, strict: bool) -> float:
        return log_whole(bits.positions * bits.width, bits.size, bits.count)
