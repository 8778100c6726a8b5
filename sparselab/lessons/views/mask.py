"""A layer of a sample, before and after a transform."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

from annotated_types import Interval
from typing_extensions import Doc

from sparselab.analysis.picture import ORDERS
from sparselab.core.errors import SettingError
from sparselab.core.layout import Layout
from sparselab.core.mask import Mask
from sparselab.core.settings import OneOf
from sparselab.lessons import svg
from sparselab.lessons.phrases import phrase
from sparselab.lessons.views.base import LessonView
from sparselab.lessons.views.layers import (
    check_layer,
    knob_meanings,
    layout_facts,
    layout_of,
    mask_facts,
    sample_layer,
    transform_of,
)
from sparselab.lessons.words import Facts

Seed = Annotated[int, Interval(ge=0, le=2**31 - 1), Doc("the seed of every random choice")]
Values = Annotated[bool, Doc("whether the weights' values count; false: only how many are kept, as of a mask alone")]
Knobs = Annotated[Mapping[str, Any], Doc("settings of the transform by name")]

SAMPLE_CONTROL: Mapping[str, str] = {"sample": "another sample mask"}

WIDTH, HEIGHT = 320, 200
"""Of each of two pictures side by side or one below the other."""


@dataclass(frozen=True)
class MaskView(LessonView):
    """The mask of one layer and, with a transform, what it becomes."""

    kind: ClassVar[str] = "mask"

    sample: Annotated[str, Doc("a sample by its name")]
    layer: Annotated[str, Doc("a layer of it by its name")]
    transform: Annotated[str, Doc("a transform by its name; empty: the mask alone")] = ""
    settings: Knobs = field(default_factory=dict)
    order: Annotated[str, OneOf(tuple(ORDERS)), Doc("rows and columns of the picture after")] = "reordered"
    seed: Seed = 0
    values: Values = True

    def __post_init__(self) -> None:
        check_layer(self.sample, self.layer)
        if self.transform:
            transform_of(self.transform, self.settings)
        elif self.settings:
            raise SettingError("settings: expected none without a transform; got some")

    @property
    def is_quick(self) -> bool:
        return False

    @property
    def controls(self) -> Mapping[str, str]:
        return {
            **knob_meanings(self.transform),
            **({"order": "rows of the picture after"} if self.transform else {}),
            **SAMPLE_CONTROL,
        }

    def facts(self) -> Facts:
        if not self.transform:
            return mask_facts(sample_layer(self.sample, self.layer))
        found = layout_of(self.sample, self.layer, self.transform, self.settings, self.seed, values=self.values)
        return layout_facts(*found, transform_of(self.transform, self.settings))

    def drawing(self, alt: str, *, covered: bool = False, language: str = "en") -> str:
        before = sample_layer(self.sample, self.layer).mask
        if covered or not self.transform:
            return mask_drawing(alt, before, None, language)
        _, layout = layout_of(self.sample, self.layer, self.transform, self.settings, self.seed, values=self.values)
        return mask_drawing(alt, before, layout, language)


def mask_drawing(alt: str, before: Mask, layout: Layout | None, language: str) -> str:
    """Return a mask, and below it, where there is a layout, what became of it, row by row in the order of the groups."""
    parts = [svg.text(0, 14, phrase("before" if layout else "as in the file", language))]
    parts.append(svg.mask_pixels(1, 22, WIDTH - 2, HEIGHT, before))
    if layout is None:
        return svg.picture(WIDTH, HEIGHT + 26, parts, alt)
    rows, cols = layout.row_order.order, layout.col_order.order
    top = HEIGHT + 50
    parts.append(svg.text(0, top - 8, f"{phrase('after', language)}: {phrase('by group', language)}"))
    parts.append(
        svg.mask_pixels(1, top, WIDTH - 2, HEIGHT, before.permuted(rows, cols), layout.after.permuted(rows, cols))
    )
    return svg.picture(WIDTH, top + HEIGHT + 4, parts, alt)
