"""Constant fan-in: every output keeps as many weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from sparselab.auditing.bits import Axis, MaskBits
from sparselab.auditing.chance import log_kept
from sparselab.auditing.patterns.base import Pattern, Spot, Tally, first_true


@dataclass(frozen=True)
class ConstantFanIn(Pattern):
    """An output keeps kept / outputs weights, to the nearest whole number. That depends on the density alone, so that chance is exact.

    Source: Lasby et al., Dynamic Sparse Training with Structured Sparsity (SRigL), ICLR 2024, section 3.
    """

    title: ClassVar[str] = "as many weights kept by every output"
    form: ClassVar[str] = "fan-in"
    axes: ClassVar[tuple[Axis | None, ...]] = ("in",)

    @property
    def name(self) -> str:
        return "constant fan-in"

    @classmethod
    def usual(cls) -> Sequence[Pattern]:
        return (cls(),)

    @classmethod
    def parse(cls, text: str) -> Pattern | None:
        return cls() if text in ("fan-in", "constant fan-in") else None

    def tally(self, bits: MaskBits, *, strict: bool) -> Tally:
        counts = bits.line_counts.sum(axis=-1)
        wanted = _fan_in(bits)
        broken, at = first_true(counts != wanted)
        first = None if at is None else Spot(at[0], at[1], 0, 0, f"{counts[at]} kept instead of {wanted}")
        return Tally(counts.size, broken, first)

    def log_chance(self, bits: MaskBits, *, strict: bool) -> float:
        return float(log_kept(bits.positions * bits.width, _fan_in(bits), bits.size, bits.count)[-1])


def _fan_in(bits: MaskBits) -> int:
    outputs = bits.groups * bits.lines
    return (2 * bits.count + outputs) // (2 * outputs)
