"""What somebody says of a file: a pattern, exactly or at most, along an axis."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sparselab.auditing.bits import Axis
from sparselab.auditing.patterns import PATTERNS, Pattern
from sparselab.core.errors import SettingError

NONE = "none"
"""What stands for a mask without any pattern."""

_LONGEST = 60


@dataclass(frozen=True)
class Claim:
    """`pattern` None: that there is none. `axis` None where the pattern has none. `text` is as it was given."""

    text: str
    pattern: Pattern | None
    axis: Axis | None = None
    strict: bool = True


def parse_claim(text: str) -> Claim:
    """Return what a claim says: PATTERN, "exactly PATTERN", and "in" or "out" after it.

    N:M means at most N, along the inputs: that is what kernels ask for. Heads are looked for along both axes.

    Raises: SettingError for what names no pattern, or an axis that the pattern has not.
    Example: >>> claim = parse_claim("exactly 2:4 out")
             >>> claim.pattern.name, claim.axis, claim.strict
             ('2:4', 'out', True)
    """
    words = re.fullmatch(r"(?:(exactly|at most) )?(.*?)(?:,? (?:along )?(in|out))?", " ".join(text.lower().split()))
    form = "" if words is None or len(text) > _LONGEST else words[2]
    if words is None or not form:
        raise SettingError(f"claim: expected {_forms()}; got {text[:_LONGEST]!r}")
    if form == NONE and not words[1] and not words[3]:
        return Claim(text, None)
    pattern = next((found for kind in PATTERNS.values() if (found := kind.parse(form)) is not None), None)
    if pattern is None:
        raise SettingError(f"claim: expected {_forms()}; got {text!r}")
    if words[1] == "at most" and False not in pattern.stricts:
        raise SettingError(f"claim: expected {pattern.name} without “at most”, which it has not; got {text!r}")
    if words[3] and words[3] not in pattern.axes:
        raise SettingError(f"claim: expected {pattern.name} without the axis {words[3]}; got {text!r}")
    axis: Axis | None = "in" if "in" in pattern.axes and len(pattern.axes) <= 2 else None
    if words[3] is not None:
        axis = "in" if words[3] == "in" else "out"
    elif not pattern.usual():  # what no mask tells by itself, a claim means along whichever axis a layer has it
        axis = None
    return Claim(text, pattern, axis, strict=words[1] == "exactly" or False not in pattern.stricts)


def _forms() -> str:
    return (
        ", ".join(PATTERNS) + f" or {NONE}, such as 2:4, 64:2:8 or 16x16, with “exactly” before and in or out after it"
    )
