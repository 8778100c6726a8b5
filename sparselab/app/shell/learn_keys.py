"""The keys of the address on the page Learn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Interval
from typing_extensions import Doc

from sparselab.core.settings import OneOf, ShownAs, settings_of
from sparselab.lessons.lesson import ENGLISH, LANGUAGES


@dataclass(frozen=True)
class LearnKeys:
    """Which lesson and step, and how they are shown."""

    lesson: Annotated[str, Doc("a lesson by its number or name")] = ""
    path: Annotated[str, Doc("a lesson's folder on this machine")] = ""
    step: Annotated[str, Doc("the step of the lesson")] = "1"
    language: Annotated[str, OneOf(tuple(LANGUAGES)), Doc("the language of its texts")] = ENGLISH
    controls: Annotated[str, Doc("the controls that are left: names, all or none")] = ""
    transform: Annotated[str, Doc("the transform whose knobs the address has")] = "regroup"


@dataclass(frozen=True)
class LearnControlKeys:
    """What controls of a step stand at, beside the knobs of transforms."""

    sample: Annotated[str, ShownAs("Sample"), Doc("a sample by its name")] = ""
    order: Annotated[str, ShownAs("Rows"), Doc("rows of the picture after")] = ""
    kept: Annotated[
        float | None,
        Interval(ge=0.001, le=1.0),
        ShownAs("Share kept"),
        Doc("Which share of the weights is kept."),
    ] = None


LEARN_CONTROLS = tuple(each.name for each in settings_of(LearnControlKeys))
"""The keys of controls that lessons leave."""
