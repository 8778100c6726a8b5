"""Refill: whole channels back, the others gone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Interval
from typing_extensions import Doc

from sparselab.core.inputs.generators import Rng, as_generator
from sparselab.core.inputs.layers import LayerLike, as_layer
from sparselab.core.layer import FloatMatrix, Layer
from sparselab.core.layout import Block, Layout
from sparselab.core.settings import InFront, Ladder, OneOf, ShownAs
from sparselab.runtime.progress import Monitor, Stages
from sparselab.transforms.base import Transform
from sparselab.transforms.contender import Contender
from sparselab.transforms.refill.channels import (
    CHANNEL_SCORES,
    best_channels,
    channel_needs,
    channel_scores,
    channels_paid_for,
)
from sparselab.transforms.refill.regrown_weights import REGROW, regrown_weights


@dataclass(frozen=True)
class Refill(Transform):
    """Keep the best channels fully dense and drop the rest: as many channels as the kept weights fill, rounded up.

    `regrow` says which values the new weights take. A layout holds masks alone: `weights` returns the values.

    Source: Structure-LTH (ICML 2022), Alg. 2. Where several channels tie at the last place the released code leaves them
    half filled; here the lower index is kept whole.
    """

    title: ClassVar[str] = "Refill"
    source: ClassVar[str] = "Structure-LTH (ICML 2022), Alg. 2"
    splits_groups: ClassVar[bool] = False  # channels are ranked one by one, whatever inputs they see

    score: Annotated[
        str, OneOf(CHANNEL_SCORES), InFront(), ShownAs("How channels are ranked"), Doc("how channels are ranked")
    ] = "l1"
    regrow: Annotated[
        str, OneOf(REGROW), ShownAs("Values of grown weights"), Doc("values of the weights that are grown")
    ] = "rewound"

    @property
    def needs(self) -> frozenset[str]:
        return channel_needs(self.score)

    @property
    def draws_new_weights(self) -> bool:
        return self.regrow == "random"

    @property
    def fillback(self) -> float:
        """The share of the channels beyond the budget that comes back too."""
        return 0.0

    @classmethod
    def contenders(cls, name: str, density: float | None) -> tuple[Contender, ...]:
        """Return it with its default settings."""
        return (Contender(name, cls.title.lower(), name, at_budget=False),)

    def _run(self, layer: Layer, rng: np.random.Generator, device: str, monitor: Monitor) -> Layout:
        stages, mask = Stages(monitor), layer.mask
        with stages("selection"):
            count = channels_paid_for(mask, self.fillback)
            rows = best_channels(channel_scores(layer, self.score), count)
        notes = {"channels": f"{count} of {mask.rows}", "values of new weights": self.regrow}
        blocks = [Block(rows, np.arange(mask.cols))]
        return Layout.from_blocks(mask, blocks, reason="the mask keeps no weight", seconds=stages.seconds, notes=notes)

    def weights(self, layout: Layout, layer: LayerLike, rng: Rng = None) -> FloatMatrix:
        """Return the values of `layer` under `layout`, new weights as `regrow` says; see `regrown_weights`."""
        return regrown_weights(layout, as_layer(layer), self.regrow, as_generator(rng))


@dataclass(frozen=True)
class RefillPlus(Refill):
    """Refill, and bring back a share `rho` of the channels that it would drop: 0 is Refill, 1 the dense layer.

    Source: Structure-LTH (ICML 2022), Sec. 3.2; the formula is the released code's ("fillback rate"), rounded up.
    """

    title: ClassVar[str] = "Refill+"
    source: ClassVar[str] = "Structure-LTH (ICML 2022), Refill+; released code"

    rho: Annotated[
        float,
        Interval(ge=0.0, le=1.0),
        InFront(),
        Ladder((0.0, 0.1, 0.25, 0.5, 0.75)),
        ShownAs("Share grown as well (rho)"),
        Doc("share of the other channels that is grown as well"),
    ] = 0.25

    @property
    def fillback(self) -> float:
        """The share of the channels beyond the budget that comes back too."""
        return self.rho
