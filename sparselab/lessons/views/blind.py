"""Layers of several samples under one transform, their names covered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, ClassVar

from typing_extensions import Doc

from sparselab.core.errors import SettingError
from sparselab.lessons import svg
from sparselab.lessons.phrases import phrase
from sparselab.lessons.views.base import LessonView
from sparselab.lessons.views.layers import (
    check_layer,
    knob_meanings,
    layout_facts,
    layout_of,
    sample_layer,
    transform_of,
)
from sparselab.lessons.views.mask import Knobs, Seed, Values
from sparselab.lessons.words import Fact, Facts

_LEAST, _MOST = 2, 4
_SIDE, _GAP = 150, 18


@dataclass(frozen=True)
class BlindView(LessonView):
    """Masks 1, 2, 3, ... in the order of the lesson; what they are is shown at the reveal.

    Facts of mask 1: sample_1, layer_1 and every fact of a mask view with _1 behind its name; and so on.
    """

    kind: ClassVar[str] = "blind"

    masks: Annotated[tuple[str, ...], Doc("two to four layers of samples, each as SAMPLE/LAYER")]
    transform: Annotated[str, Doc("a transform by its name")] = "regroup"
    settings: Knobs = field(default_factory=dict)
    seed: Seed = 0
    values: Values = True

    def __post_init__(self) -> None:
        if not _LEAST <= len(self.masks) <= _MOST:
            raise SettingError(f"masks: expected {_LEAST} to {_MOST}; got {len(self.masks)}")
        for sample, layer in self.parts:
            check_layer(sample, layer)
        transform_of(self.transform, self.settings)

    @property
    def parts(self) -> tuple[tuple[str, str], ...]:
        """The masks as pairs of sample and layer."""
        pairs = [mask.partition("/") for mask in self.masks]
        return tuple((sample, layer) for sample, _, layer in pairs)

    @property
    def is_quick(self) -> bool:
        return False

    @property
    def controls(self) -> Mapping[str, str]:
        return knob_meanings(self.transform)

    def facts(self) -> Facts:
        run = transform_of(self.transform, self.settings)
        found: dict[str, Fact] = {}
        for number, (sample, layer) in enumerate(self.parts, start=1):
            facts = layout_facts(
                *layout_of(sample, layer, self.transform, self.settings, self.seed, values=self.values), run
            )
            found |= {f"sample_{number}": sample, f"layer_{number}": layer}
            found |= {f"{name}_{number}": value for name, value in facts.items()}
        return found

    def drawing(self, alt: str, *, covered: bool = False, language: str = "en") -> str:
        parts, facts = [], {} if covered else self.facts()
        for number, (sample, layer) in enumerate(self.parts, start=1):
            x = (number - 1) * (_SIDE + _GAP)
            parts.append(svg.text(x, 16, str(number), size=18, bold=True))
            parts.append(svg.mask_pixels(x + 1, 24, _SIDE - 2, _SIDE, sample_layer(sample, layer).mask))
            if not covered:
                parts += _shares(x, _SIDE + 44, number, sample, facts, language)
        width = len(self.parts) * (_SIDE + _GAP) - _GAP
        return svg.picture(width, _SIDE + (30 if covered else 170), parts, alt)


def _shares(x: float, y: float, number: int, sample: str, facts: Facts, language: str) -> list[str]:
    """Return the name of a mask, and two bars: what its groups keep, and what random groups do."""
    parts = [svg.text(x, y, sample, size=13, bold=True)]
    for row, (name, words) in enumerate((("worth", "weights kept"), ("chance", "random groups"))):
        share, top = facts.get(f"{name}_{number}"), y + 14 + 50 * row
        if isinstance(share, float):
            parts.append(svg.text(x, top + 12, f"{phrase(words, language)}: {100 * share:.0f} %", size=12))
            parts.append(svg.box(x, top + 18, _SIDE, 14, line="currentColor"))
            parts.append(svg.box(x, top + 18, _SIDE * share, 14, fill=svg.BLUE if row == 0 else svg.ORANGE))
    return parts
