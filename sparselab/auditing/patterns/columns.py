"""Whole columns: of every input, at every position of the kernel, all outputs keep it or none does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from sparselab.auditing.bits import MaskBits
from sparselab.auditing.chance import log_whole
from sparselab.auditing.patterns.base import Pattern, Tally
from sparselab.auditing.patterns.blocks import WholeBlocks


@dataclass(frozen=True)
class WholeColumns(Pattern):
    """A column is one of the layer's matrix: an input at one position of the kernel, of all outputs of its group."""

    title: ClassVar[str] = "columns (inputs), all kept or all zero"
    form: ClassVar[str] = "columns"

    @property
    def name(self) -> str:
        return "whole columns"

    @classmethod
    def usual(cls) -> Sequence[Pattern]:
        return (cls(),)

    @classmethod
    def parse(cls, text: str) -> Pattern | None:
        return cls() if text in ("columns", "whole columns") else None

    def tally(self, bits: MaskBits, *, strict: bool) -> Tally:
        return WholeBlocks(bits.lines, 1).tally(bits, strict=strict)

    def log_chance(self, bits: MaskBits, *, strict: bool) -> float:
        return log_whole(bits.lines, bits.size, bits.count)
