"""Heads: of every attention head all weights are kept or none is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from sparselab.auditing.bits import Axis, MaskBits
from sparselab.auditing.patterns.base import Pattern, Tally
from sparselab.auditing.patterns.blocks import WholeBlocks


@dataclass(frozen=True)
class WholeHeads(Pattern):
    """`size` neighbouring outputs of a query, key or value projection, or inputs of the output projection, are one head.

    How many there are says the model's config.json: see `sparselab.auditing.heads`.
    """

    size: int = 0

    title: ClassVar[str] = "attention heads, all kept or all zero"
    form: ClassVar[str] = "heads"
    axes: ClassVar[tuple[Axis | None, ...]] = ("in", "out")

    @property
    def name(self) -> str:
        return "heads"

    @classmethod
    def usual(cls) -> Sequence[Pattern]:
        return ()  # which layers have heads, and of what size, is not in the mask

    @classmethod
    def parse(cls, text: str) -> Pattern | None:
        return cls() if text in ("heads", "whole heads") else None

    def tally(self, bits: MaskBits, *, strict: bool) -> Tally:
        return self._blocks(bits).tally(bits, strict=strict)

    def log_chance(self, bits: MaskBits, *, strict: bool) -> float:
        return self._blocks(bits).log_chance(bits, strict=strict)

    def _blocks(self, bits: MaskBits) -> WholeBlocks:
        return WholeBlocks(bits.lines, self.size)
