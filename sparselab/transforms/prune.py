"""Prune: drop the weights that are worth least, one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
from annotated_types import Interval
from typing_extensions import Doc

from sparselab.core.errors import SettingError
from sparselab.core.layer import Layer
from sparselab.core.layout import Layout
from sparselab.core.mask import Mask
from sparselab.core.settings import InFront, Ladder, OneOf, ShownAs
from sparselab.pruning.scores import SCORES, Scores
from sparselab.runtime.progress import Monitor, Stages
from sparselab.transforms.base import Transform
from sparselab.transforms.contender import Contender

_REASON = "pruning chooses weights one by one and makes no blocks"


@dataclass(frozen=True)
class Prune(Transform):
    """Keep the round((1 - sparsity) * size) weights of largest score among those kept; never more than there are.

    One layer alone is pruned to the sparsity whatever the scope; of several, the scope says whether they are ranked together.

    Source: Frankle & Carbin, ICLR 2019 (global magnitude, as in iterative magnitude pruning).
    """

    title: ClassVar[str] = "Prune"
    source: ClassVar[str] = "Frankle & Carbin (ICLR 2019); Han et al. (NeurIPS 2015)"
    splits_groups: ClassVar[bool] = False

    sparsity: Annotated[
        float,
        Interval(ge=0.0, le=1.0),
        InFront(),
        Ladder((0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98)),
        Doc("weights dropped / all weights, afterwards"),
    ] = 0.9
    scope: Annotated[
        str,
        OneOf({"global": "all layers together", "layer": "each layer by itself"}),
        ShownAs("What is ranked together"),
        Doc("weights that are ranked together"),
    ] = "global"
    score: Annotated[
        str,
        OneOf({"magnitude": "by |w|", "random": "at random; a control"}),
        ShownAs("How weights are ranked"),
        Doc("how weights are ranked"),
    ] = "magnitude"

    @property
    def needs(self) -> frozenset[str]:
        return frozenset() if self.score == "random" else frozenset({"weight"})

    @property
    def is_global(self) -> bool:
        return self.scope == "global"

    @classmethod
    def spending(cls, density: float | None) -> dict[str, Any]:
        """Return the sparsity that leaves `density` of the weights."""
        return {} if density is None else {"sparsity": 1.0 - density}

    @classmethod
    def contenders(cls, name: str, density: float | None) -> tuple[Contender, ...]:
        """Return the largest weights of the layer, wherever they lie."""
        settings = {"scope": "layer", **cls.spending(density)}
        return (Contender(name, "unstructured", name, settings, role="bound", on_curve=True),)

    def _run(self, layer: Layer, rng: np.random.Generator, device: str, monitor: Monitor) -> Layout:
        (layout,) = self._together([layer], rng, monitor)
        return layout

    def _run_over(
        self, layers: Sequence[Layer], rng: np.random.Generator, device: str, monitor: Monitor
    ) -> tuple[Layout, ...]:
        """Return the layout of every layer; with scope "global", of one threshold over all of them.

        The seconds of a threshold over all are shared out by the layers' sizes, so that their sum is what was spent.
        """
        if self.is_global:
            return self._together(layers, rng, monitor)
        return super()._run_over(layers, rng, device, monitor)

    def _together(self, layers: Sequence[Layer], rng: np.random.Generator, monitor: Monitor) -> tuple[Layout, ...]:
        stages = Stages(monitor)
        masks = [layer.mask for layer in layers]
        size = sum(mask.kept.size for mask in masks)
        with stages("selection"):
            scores = [self._scores(layer, rng) for layer in layers]
            after = keep_largest(scores, masks, round((1 - self.sparsity) * size))
        return tuple(
            Layout.masked(
                mask,
                kept,
                reason=_REASON,
                seconds={stage: spent * mask.kept.size / size for stage, spent in stages.seconds.items()},
            )
            for mask, kept in zip(masks, after, strict=True)
        )

    def _scores(self, layer: Layer, rng: np.random.Generator) -> Scores:
        weight = layer.weight
        if weight is None:
            if self.score != "random":
                raise SettingError(
                    f"score={self.score} needs weights, and {layer.name} is a mask alone: use score=random"
                )
            weight = layer.mask.kept.astype(np.float32)
        return SCORES[self.score](weight=weight, rng=rng)


def keep_largest(scores: Sequence[Scores], masks: Sequence[Mask], count: int) -> list[Mask]:
    """Return the masks that keep, over all layers together, exactly `count` of the kept weights (all, if there are fewer).

    The kept weights are put in order of (score, index), index running through the layers in turn and each row by row, and
    the first are dropped: among equal scores the lower index goes.
    """
    values = np.concatenate([score[mask.kept] for score, mask in zip(scores, masks, strict=True)])
    stays = np.ones(values.size, dtype=bool)
    dropping = values.size - count
    if dropping >= values.size:
        stays[:] = False
    elif dropping > 0:
        # Not a sort: everything below the value at which the count is reached, and the first of those equal to it.
        last = np.partition(values, dropping - 1)[dropping - 1]
        stays[values < last] = False
        equal = np.flatnonzero(values == last)
        stays[equal[: dropping - np.count_nonzero(values < last)]] = False
    after = []
    for mask, part in zip(masks, np.split(stays, np.cumsum([mask.count for mask in masks])[:-1]), strict=True):
        kept = np.zeros(mask.shape, dtype=bool)
        kept[mask.kept] = part
        after.append(Mask._adopt(kept))
    return after
