"""A layer of a sample, before and after a transform."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

from annotated_types import Interval
from typing_extensions import Doc

from sparselab.core.errors import SettingError
from sparselab.core.layer import Layer
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

ORDERS: Mapping[str, str] = {
    "natural": "both as in the file",
    "before": "both in the new order",
    "reordered": "before as in the file, after by group",
}
"""The orders in which a lesson shows masks."""

WIDTH, HEIGHT = 440, 170
"""Of each of two pictures side by side or one below the other."""


@dataclass(frozen=True)
class MaskView(LessonView):
    """The mask of one layer and, with a transform, what it becomes."""

    kind: ClassVar[str] = "mask"

    sample: Annotated[str, Doc("a sample by its name")]
    layer: Annotated[str, Doc("a layer of it by its name")]
    transform: Annotated[str, Doc("a transform by its name; empty: the mask alone")] = ""
    settings: Knobs = field(default_factory=dict)
    order: Annotated[str, OneOf(ORDERS), Doc("rows and columns of the pictures")] = "reordered"
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

    def made(self) -> tuple[Layer, Layout]:
        """Return the layer and what the transform makes of it."""
        return layout_of(self.sample, self.layer, self.transform, self.settings, self.seed, values=self.values)

    def facts(self) -> Facts:
        if not self.transform:
            return mask_facts(sample_layer(self.sample, self.layer))
        return layout_facts(*self.made(), transform_of(self.transform, self.settings))

    def drawing(self, alt: str, *, covered: bool = False, language: str = "en") -> str:
        before = sample_layer(self.sample, self.layer).mask
        if covered or not self.transform:
            return mask_drawing(alt, before, None, language)
        _, layout = self.made()
        return mask_drawing(alt, before, layout, language, self.order)


def mask_drawing(alt: str, before: Mask, layout: Layout | None, language: str, order: str = "reordered") -> str:
    """Return a mask and, below it, what a layout makes of it, in an order of ORDERS, with what the colours count."""
    if layout is None:
        parts = [svg.text(0, 14, phrase("as in the file", language)), svg.mask_pixels(1, 22, WIDTH - 2, HEIGHT, before)]
        return svg.picture(WIDTH, HEIGHT + 26, parts, alt)
    first, second = _captions(order, language)
    rows, cols = layout.row_order.order, layout.col_order.order
    shown = before, layout.after
    if order != "natural":
        shown = before.permuted(rows, cols), layout.after.permuted(rows, cols)
    top = HEIGHT + 50
    parts = [
        svg.text(0, 14, first),
        svg.mask_pixels(1, 22, WIDTH - 2, HEIGHT, shown[0] if order == "before" else before),
        svg.text(0, top - 8, second),
        svg.mask_pixels(1, top, WIDTH - 2, HEIGHT, *shown),
    ]
    counts = (layout.covered.count, layout.grown.count, before.count - layout.covered.count)
    x = 0.0
    for words, colour, number in zip(
        ("kept still", "filled in", "dropped"), (svg.BLUE, svg.ORANGE, svg.SKY), counts, strict=True
    ):
        parts.append(svg.box(x, top + HEIGHT + 9, 11, 11, fill=colour, line="currentColor"))
        parts.append(svg.text(x + 16, top + HEIGHT + 19, f"{phrase(words, language)} {number:,}", size=12))
        x += WIDTH / 3
    return svg.picture(WIDTH, top + HEIGHT + 26, parts, alt)


def _captions(order: str, language: str) -> tuple[str, str]:
    before, after = phrase("before", language), phrase("after", language)
    file, group, new = (phrase(words, language) for words in ("as in the file", "by group", "in the new order"))
    above, below = f"{phrase('above', language)}, {before}", f"{phrase('below', language)}, {after}"
    if order == "natural":
        return f"{above}: {file}", f"{below}: {file}"
    return f"{above}: {new if order == 'before' else file}", f"{below}: {group}"
