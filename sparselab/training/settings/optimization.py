"""How weights are trained: steps, rates, and the optimizer."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated

from annotated_types import Interval
from typing_extensions import Doc

from sparselab.core.errors import SettingError
from sparselab.core.settings import OneOf, Unset, When


@dataclass(frozen=True)
class OptimizationSettings:
    """Steps, rates and the optimizer."""

    epochs: Annotated[float, Interval(ge=0.01, le=1000.0), Doc("passes over the training images")] = 8.0
    batch: Annotated[int, Interval(ge=1, le=65536), Doc("images in a step, over all processes")] = 64
    lr: Annotated[float, Interval(ge=0.0, le=10.0), Doc("highest learning rate")] = 0.1
    momentum: Annotated[float, Interval(ge=0.0, le=0.999), Doc("momentum of SGD")] = 0.9
    weight_decay: Annotated[
        float, Interval(ge=0.0, le=1.0), Doc("this factor times the weights is added to the gradient")
    ] = 5e-4
    schedule: Annotated[
        str,
        OneOf(("cosine", "step")),
        Doc("the learning rate falls to 0 as a cosine, or to a tenth at 1/2 and at 3/4 of the steps"),
    ] = "cosine"
    warmup_epochs: Annotated[
        float, Interval(ge=0.0, le=100.0), Doc("epochs in which the learning rate rises from 0")
    ] = 0.0
    optimizer: Annotated[str, OneOf(("sgd", "adamw")), Doc("how gradients move the weights")] = "sgd"
    nesterov: Annotated[bool, When("optimizer", ("sgd",)), Doc("momentum of SGD looks ahead, after Nesterov")] = False
    rate_steps: Annotated[
        str,
        When("schedule", ("step",)),
        Doc("epochs after which the rate falls, such as 30+70+90; empty: at 1/2 and at 3/4 of all"),
    ] = ""
    rate_factor: Annotated[
        float, Interval(ge=0.0, le=1.0), When("schedule", ("step",)), Doc("factor on the rate at each of its steps")
    ] = 0.1
    label_smoothing: Annotated[
        float, Interval(ge=0.0, le=0.999), Doc("share of a target that is spread over all classes, in cross entropy")
    ] = 0.0
    clip: Annotated[
        float | None, Interval(ge=1e-6, le=1e6), Unset("no limit"), Doc("largest norm of all gradients together")
    ] = None

    @property
    def rate_epochs(self) -> tuple[float, ...] | None:
        """The epochs of `rate_steps`, None where it is empty. Raises: SettingError unless they are numbers that rise."""
        if not self.rate_steps:
            return None
        try:
            epochs = tuple(float(text) for text in self.rate_steps.split("+"))
        except ValueError:
            epochs = (math.nan,)
        if not all(0 <= one < other < math.inf for one, other in pairwise((*epochs, math.nextafter(math.inf, 0)))):
            raise SettingError(f"rate_steps: expected rising epochs such as 30+70+90; got {self.rate_steps!r}")
        return epochs
