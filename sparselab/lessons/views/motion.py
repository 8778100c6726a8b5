"""The reordering of a layer of a sample as an animation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, ClassVar

from typing_extensions import Doc

from sparselab.core.layer import Layer
from sparselab.core.layout import Layout
from sparselab.lessons.views.base import LessonView
from sparselab.lessons.views.layers import (
    check_layer,
    knob_meanings,
    layout_facts,
    layout_of,
    sample_layer,
    transform_of,
)
from sparselab.lessons.views.mask import SAMPLE_CONTROL, Knobs, Seed, Values, mask_drawing
from sparselab.lessons.words import Facts


@dataclass(frozen=True)
class MotionView(LessonView):
    """Rows travel, columns travel, blocks fill, the rest drops. Facts: those of a mask view of the same."""

    kind: ClassVar[str] = "motion"

    sample: Annotated[str, Doc("a sample by its name")]
    layer: Annotated[str, Doc("a layer of it by its name")]
    transform: Annotated[str, Doc("a transform by its name")] = "regroup"
    settings: Knobs = field(default_factory=dict)
    seed: Seed = 0
    values: Values = True

    def __post_init__(self) -> None:
        check_layer(self.sample, self.layer)
        transform_of(self.transform, self.settings)

    @property
    def is_quick(self) -> bool:
        return False

    @property
    def controls(self) -> Mapping[str, str]:
        return {**knob_meanings(self.transform), **SAMPLE_CONTROL}

    def made(self) -> tuple[Layer, Layout]:
        """Return the layer and what the transform makes of it."""
        return layout_of(self.sample, self.layer, self.transform, self.settings, self.seed, values=self.values)

    def facts(self) -> Facts:
        return layout_facts(*self.made(), transform_of(self.transform, self.settings))

    def drawing(self, alt: str, *, covered: bool = False, language: str = "en") -> str:
        if covered:
            return mask_drawing(alt, sample_layer(self.sample, self.layer).mask, None, language)
        _, layout = self.made()
        return mask_drawing(alt, layout.before, layout, language)
