"""The settings of refinement, and its place between grouping and selection: one declaration for every transform that has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import numpy as np
from annotated_types import Interval
from typing_extensions import Doc

from sparselab.core.settings import InFront, ShownAs, StopsByClock, When
from sparselab.grouping import Groups
from sparselab.grouping.refine import Budget, refine
from sparselab.runtime.progress import SILENT, Monitor, Stages

if TYPE_CHECKING:
    import torch

Refine = Annotated[
    bool, InFront(), ShownAs("Refine groups"), Doc("swap rows between groups as long as the budget then keeps more")
]
Steps = Annotated[
    int,
    Interval(ge=1, le=1_000_000),
    When("refine", (True,)),
    ShownAs("Refinement, sweeps"),
    Doc("sweeps of swaps: how long to search; with the seed they decide the answer"),
]
Seconds = Annotated[
    float,
    Interval(ge=1.0, le=3600.0),
    StopsByClock(),
    When("refine", (True,)),
    ShownAs("Refinement, at most s"),
    Doc("cap on the time of the search, which then ends with the best so far"),
]


def refined(
    worth: torch.Tensor,
    groups: Groups,
    budget: Budget,
    *,
    steps: int,
    seconds: float,
    rng: np.random.Generator,
    monitor: Monitor,
    stages: Stages,
) -> tuple[Groups, dict[str, str], Stages]:
    """Return better groups, a note that says what ended the search, and the stages to go on with.

    After a cancel these say nothing more, so that the best so far is laid out all the same.
    """
    with stages("refine"):
        best = refine(worth, groups, budget, steps=steps, seconds=seconds, rng=rng, monitor=monitor)
    if best.stopped == "cancel":
        spent, stages = stages.seconds, Stages(SILENT)
        stages.seconds.update(spent)
    return best.groups, {"refine": best.stopped}, stages
