"""A layer of a sample, before and after a transform."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

from annotated_types import Interval
from typing_extensions import Doc

from sparselab.analysis.picture import ORDERS
from sparselab.core.errors import SettingError
from sparselab.core.settings import OneOf
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
Knobs = Annotated[Mapping[str, Any], Doc("settings of the transform by name")]

SAMPLE_CONTROL: Mapping[str, str] = {"sample": "another sample mask"}


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

    def __post_init__(self) -> None:
        check_layer(self.sample, self.layer)
        if self.transform:
            transform_of(self.transform, self.settings)
        elif self.settings:
            raise SettingError("settings: expected none without a transform; got some")

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
        found = layout_of(self.sample, self.layer, self.transform, self.settings, self.seed)
        return layout_facts(*found, transform_of(self.transform, self.settings))
