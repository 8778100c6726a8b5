"""Prune: drop the weights that are worth least, one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Interval
from typing_extensions import Doc

from sparselab.errors import SettingError
from sparselab.layout import Layout
from sparselab.mask import Mask
from sparselab.monitor import SILENT, Monitor, Stages
from sparselab.scores import SCORES, Scores
from sparselab.settings import OneOf
from sparselab.transform import Layer, Transform

_REASON = "pruning chooses weights one by one and makes no blocks"


@dataclass(frozen=True)
class Prune(Transform):
    """Keep the round((1 - sparsity) * size) weights of largest score among those kept; never more than there are.

    One layer alone is pruned to the sparsity whatever the scope; `over` prunes several, the scope says whether together.

    Source: Frankle & Carbin, ICLR 2019 (global magnitude, as in iterative magnitude pruning).
    """

    title: ClassVar[str] = "Prune"
    source: ClassVar[str] = "Frankle & Carbin (ICLR 2019); Han et al. (NeurIPS 2015)"

    sparsity: Annotated[float, Interval(ge=0.0, le=1.0), Doc("weights dropped / all weights, afterwards")] = 0.9
    scope: Annotated[
        str,
        OneOf({"global": "all layers together", "layer": "each layer by itself"}),
        Doc("which weights are ranked together"),
    ] = "global"
    score: Annotated[
        str, OneOf({"magnitude": "by |w|", "random": "at random; a control"}), Doc("how weights are ranked")
    ] = "magnitude"

    def __call__(
        self, layer: Layer, *, rng: np.random.Generator, device: str = "auto", monitor: Monitor = SILENT
    ) -> Layout:
        (layout,) = self.over([layer], rng=rng, monitor=monitor)
        return layout

    def over(
        self, layers: Sequence[Layer], *, rng: np.random.Generator, monitor: Monitor = SILENT
    ) -> tuple[Layout, ...]:
        """Return the layout of every layer. Raises: SettingError when magnitudes are asked for and a layer has no weights."""
        stages = Stages(monitor)
        masks = [layer.mask for layer in layers]
        with stages("selection"):
            scores = [self._scores(layer, rng) for layer in layers]
            if self.scope == "global":
                after = keep_largest(scores, masks, self._count(masks))
            else:
                pairs = zip(scores, masks, strict=True)
                after = [kept for score, mask in pairs for kept in keep_largest([score], [mask], self._count([mask]))]
        pruned = zip(masks, after, strict=True)
        return tuple(Layout.masked(mask, kept, reason=_REASON, seconds=stages.seconds) for mask, kept in pruned)

    def _count(self, masks: Sequence[Mask]) -> int:
        return round((1 - self.sparsity) * sum(mask.kept.size for mask in masks))

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
        after.append(Mask(kept))
    return after
