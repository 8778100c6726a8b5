"""How masks are found and moved, and what becomes of tickets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated

from annotated_types import Interval
from typing_extensions import Doc

from sparselab.core.errors import SettingError
from sparselab.core.settings import OneOf, Unset, When
from sparselab.pruning.distributions import DISTRIBUTIONS
from sparselab.training.branches import Branch, parse_levels, parse_then
from sparselab.training.methods import (
    AT_SPARSITY,
    AT_START,
    BLOCKS,
    DYNAMIC,
    FILMED,
    METHODS,
    MOVING,
    MOVING_BLOCKS,
    REWOUND,
)
from sparselab.transforms.cells import AUTOMATIC, WEIGHS


@dataclass(frozen=True)
class MaskSettings:
    """The method and its settings."""

    method: Annotated[str, OneOf(METHODS), Doc("how the masks are found: by pruning, or by sparse training")] = "imp"
    levels: Annotated[
        int, Interval(ge=0, le=60), When("method", ("imp",)), Doc("cycles of pruning, each of 20 % of what is kept")
    ] = 10
    sparsity: Annotated[
        float, Interval(ge=0.0, le=0.999), When("method", AT_SPARSITY), Doc("weights dropped / prunable weights")
    ] = 0.9
    then: Annotated[
        str,
        Doc("transforms of the tickets, such as refill,regroup@3+6:refine=true; each is rewound and trained again"),
    ] = ""
    weigh: Annotated[
        str | None,
        OneOf(WEIGHS),
        Unset(AUTOMATIC),
        Doc("what a kept weight counts for transforms that do not say it themselves"),
    ] = None
    reinitialise: Annotated[
        str,
        When("method", (*REWOUND, *AT_START)),
        Doc(
            "levels such as 3+6 whose tickets, transformed ones too, are trained once more from weights drawn anew; empty: none"
        ),
    ] = ""
    prune_first: Annotated[bool, Doc("masks cover the first convolution too")] = False
    prune_head: Annotated[bool, Doc("masks cover the classifier's last layer too")] = False
    rewind_epoch: Annotated[
        float,
        Interval(ge=0.0, le=1000.0),
        When("method", REWOUND),
        Doc("epoch whose weights a ticket is rewound to"),
    ] = 0.5
    rewind: Annotated[
        str,
        OneOf(("late", "restart")),
        When("method", REWOUND),
        Doc("go on from the rewind step in rate and data (late), or from step 0 (restart)"),
    ] = "late"
    l1: Annotated[
        float,
        Interval(ge=0.0, le=1.0),
        When("method", ("l1",)),
        Doc("this factor times the signs of the weights is added to the gradient"),
    ] = 1e-4
    admm_rho: Annotated[
        float,
        Interval(ge=0.0, le=10.0),
        When("method", ("admm",)),
        Doc("rho: pull of the weights towards the sparse copy of them, of which it is rho times the distance"),
    ] = 0.01
    admm_updates: Annotated[
        int,
        Interval(ge=1, le=100_000),
        When("method", ("admm",)),
        Doc("times the sparse copy and the running sum of distances are updated in a training"),
    ] = 20
    score_images: Annotated[
        int,
        Interval(ge=1, le=100_000),
        When("method", ("snip", "grasp")),
        Doc("training images from which scores are computed"),
    ] = 256
    distribution: Annotated[
        str,
        OneOf(tuple(DISTRIBUTIONS)),
        When("method", DYNAMIC),
        Doc("erk: large layers are sparser (Erdos-Renyi kernel); uniform: all layers have one sparsity"),
    ] = "erk"
    exchange: Annotated[
        float | None,
        Interval(ge=0.0, le=1.0),
        When("method", MOVING),
        Doc(
            "alpha: share of the kept weights exchanged first; none: 0.3, and 0.5 for dsb, which drops half rows at least"
        ),
    ] = None
    candidates: Annotated[
        str,
        OneOf(
            {
                "released": "as DSB's released code: kept - (int(d * size) - int(f * kept)), up to a block's area more",
                "rounded": "round(f * kept)",
            }
        ),
        When("method", (MOVING_BLOCKS,)),
        Doc("how many weights of a layer are candidates to be dropped; f: share to exchange, d: density asked for"),
    ] = "released"
    update_every: Annotated[
        int | None,
        Interval(ge=1, le=1_000_000),
        When("method", MOVING),
        Doc("steps between two updates of the masks; none: a sixtieth of the steps, 100 at most"),
    ] = None
    update_until: Annotated[
        float,
        Interval(ge=0.0, le=1.0),
        When("method", MOVING),
        Doc("share of the steps after which masks no longer change"),
    ] = 0.75
    keep_masks: Annotated[
        int,
        Interval(ge=0, le=1_000_000),
        When("method", FILMED),
        Doc(
            "keep the masks at every n-th of their updates (top-kast: of its steps), for a film of the run; 0: keep none"
        ),
    ] = 0
    block_size: Annotated[int, Interval(ge=2, le=64), When("method", BLOCKS), Doc("side of a square block")] = 16
    grow: Annotated[
        str,
        OneOf(("gradient", "norms")),
        When("method", (MOVING_BLOCKS,)),
        Doc("blocks grow by the dense gradient, or where rows of large output gradients cross columns of large inputs"),
    ] = "gradient"
    backward_extra: Annotated[
        float,
        Interval(ge=0.0, le=1.0),
        When("method", ("top-kast",)),
        Doc("M: weights that get gradients beyond those of the forward pass / all weights"),
    ] = 0.1

    @property
    def starts_sparse(self) -> bool:
        """Whether the network is sparse from the first step on: nothing dense is trained and nothing rewound."""
        return self.method in (*AT_START, *DYNAMIC)

    @property
    def first_level(self) -> int:
        return 1 if self.starts_sparse else 0

    @property
    def last_level(self) -> int:
        return {"dense": 0, "imp": self.levels}.get(self.method, 1)

    @property
    def follow_ups(self) -> tuple[Branch, ...]:
        """What `then` says. Raises: SettingError."""
        return tuple(replace(item, weigh=self.weigh) for item in parse_then(self.then))

    @property
    def reinitialised_levels(self) -> tuple[int, ...]:
        """What `reinitialise` says. Raises: SettingError."""
        return parse_levels("reinitialise", self.reinitialise)

    def check_levels(self) -> None:
        """Raises: SettingError where a level is named that the method does not reach, or whose masks do not stay."""
        for item in self.follow_ups:
            self._check_reached("then", item.levels or (), f"{item.name}@")
        self._check_reached("reinitialise", self.reinitialised_levels, "")
        if self.reinitialise and self.method in DYNAMIC:
            raise SettingError(
                f"reinitialise: expected none, for the masks of {self.method} move with the weights; got {self.reinitialise!r}"
            )

    def _check_reached(self, owner: str, levels: Sequence[int], before: str) -> None:
        if beyond := [level for level in levels if not self.first_level <= level <= self.last_level]:
            raise SettingError(
                f"{owner}: expected levels from {self.first_level} to {self.last_level}; got {before}{beyond[0]}"
            )
