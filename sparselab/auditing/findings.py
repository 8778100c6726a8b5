"""What was found of one pattern in one layer."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from math import exp, log
from typing import Any

from sparselab.auditing.bits import Axis, MaskBits
from sparselab.auditing.patterns import Pattern
from sparselab.auditing.patterns.base import Spot

_SURE = log(1000)
"""A pattern is more than chance where chance would give it less than once in a thousand masks."""

AXIS_WORDS = {"in": "along the inputs", "out": "along the outputs"}


@dataclass(frozen=True)
class PatternBreak:
    """The first unit that breaks a pattern: the index of its first weight in the tensor (out, in, kernel ...), and what is there."""

    index: tuple[int, ...]
    found: str


@dataclass(frozen=True)
class Finding:
    """How much of a mask fulfils a pattern.

    `strict`: exactly, not at most. `units` were counted (windows, blocks, rows ...), `share` of them fulfil it, and `share_by_chance`
    is what masks with as many weights, anywhere, give on average (None for no pattern, which has no formula). `surprise` is
    -log of the chance that all units do, as if each were alone: what holds is ranked by it.
    """

    pattern: str
    axis: Axis | None
    strict: bool
    holds: bool
    units: int
    share: float
    share_by_chance: float | None
    first_break: PatternBreak | None
    surprise: float = 0.0

    @property
    def beyond_chance(self) -> bool:
        """Whether it holds, and would hardly do so by chance."""
        return self.holds and self.surprise > _SURE

    @property
    def words(self) -> str:
        """The pattern as people say it.

        Example: >>> Finding("2:4", "in", False, True, 8, 1.0, 0.6, None).words
                 'at most 2:4 along the inputs'
        """
        exact = "exactly " if self.strict and ":" in self.pattern else "at most " if not self.strict else ""
        return f"{exact}{self.pattern}" + (f" {AXIS_WORDS[self.axis]}" if self.axis in AXIS_WORDS else "")

    def as_json(self) -> dict[str, Any]:
        """Return the finding as plain values."""
        at = self.first_break
        return {
            "pattern": self.pattern,
            "axis": self.axis,
            "strict": self.strict,
            "holds": self.holds,
            "units": self.units,
            "share": self.share,
            "share_by_chance": self.share_by_chance,
            "first_break": None if at is None else {"index": list(at.index), "found": at.found},
        }


def find(pattern: Pattern, bits: MaskBits, axis: Axis | None, *, strict: bool, kernel: tuple[int, ...]) -> Finding:
    """Return what is found of a pattern in bits along the inputs. kernel: its shape, to say where a break is."""
    runs_along = axis or "in"
    turned = bits.along(runs_along)
    tally = pattern.tally(turned, strict=strict)
    log_share = pattern.log_chance(turned, strict=strict)
    at = None if tally.first is None else PatternBreak(_index(tally.first, bits, runs_along, kernel), tally.first.found)
    return Finding(
        pattern=pattern.name,
        axis=axis,
        strict=strict,
        holds=tally.broken == 0,
        units=tally.units,
        share=(tally.units - tally.broken) / tally.units,
        share_by_chance=exp(log_share),
        first_break=at,
        surprise=min(-tally.units * log_share, sys.float_info.max),  # what cannot be is as rare as a number can say
    )


def no_pattern(findings: list[Finding]) -> Finding:
    """Return whether nothing was found: no pattern holds that chance would not give. One unit: the layer."""
    holds = not any(finding.beyond_chance for finding in findings)
    first = next((finding for finding in findings if finding.beyond_chance), None)
    at = None if first is None else PatternBreak((), f"{first.words} holds")
    return Finding("none", None, True, holds, 1, float(holds), None, at)


def _index(spot: Spot, bits: MaskBits, axis: Axis, kernel: tuple[int, ...]) -> tuple[int, ...]:
    output, channel = (spot.line, spot.start) if axis == "in" else (spot.start, spot.line)
    position, left = [], spot.position
    for size in reversed(kernel):  # not numpy.unravel_index: a stranger's kernel may have more axes than an array
        left, place = divmod(left, size)
        position.append(place)
    return (spot.group * bits.lines + output, channel, *reversed(position))
