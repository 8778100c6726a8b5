"""SET and RigL while a network trains: every so many steps some weights go and as many come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from sparselab.pruning.updates import drop_fraction, rigl_step, set_step
from sparselab.training.network import Masks, Network
from sparselab.training.seeds import derive
from sparselab.training.updaters.base import MaskUpdater, Step


@dataclass(frozen=True, kw_only=True)
class UpdateSchedule:
    """When masks move: every `every` steps up to step `until`, inclusive, by f(t) that starts at `alpha`."""

    every: int
    until: int
    alpha: float

    def fraction(self, step: int) -> float:
        """Return the share of kept weights to exchange at a step, 0 where masks rest."""
        moves = 0 < step <= self.until and step % self.every == 0
        return drop_fraction(step, self.until, self.alpha) if moves else 0.0


def energy_lost(
    weights: Sequence[torch.Tensor], before: Sequence[torch.Tensor], after: Sequence[torch.Tensor]
) -> float:
    """Return sum(w^2 of weights that go) / sum(w^2 of weights kept before), over all layers; 0 where nothing was kept.

    Example: >>> one = torch.ones(2, dtype=torch.bool)
             >>> energy_lost([torch.tensor([1.0, 3.0])], [one], [torch.tensor([False, True])])
             0.1
    """
    squares = [weight.detach().double().square() for weight in weights]
    whole = sum(float(square[old].sum()) for square, old in zip(squares, before, strict=True))
    gone = sum(float(s[old & ~new].sum()) for s, old, new in zip(squares, before, after, strict=True))
    return gone / whole if whole else 0.0


class PruneAndGrow(MaskUpdater):
    """RigL, whose update stands in for the optimizer's step, or SET (`how="set"`), whose update comes after it.

    A grown weight starts at 0 with momentum 0, unless it had just been dropped: then it goes on as it was.

    Source: Evci et al., ICML 2020, Alg. 1, and the released code for both; Mocanu et al., Nature Communications 2018.
    """

    def __init__(self, network: Network, masks: Masks, *, how: str, update_schedule: UpdateSchedule, seed: int) -> None:
        super().__init__(network, masks)
        self.how, self.update_schedule, self.seed = how, update_schedule, seed
        self._news: list[dict[str, Any]] = []

    def update(self, step: Step) -> bool:
        if self.how == "set" or self.update_schedule.fraction(step.number) <= 0:
            return super().update(step)
        self._exchange(step)
        return False

    def after(self, step: Step) -> None:
        if self.how == "set" and self.update_schedule.fraction(step.number) > 0:
            self._exchange(step)

    def _exchange(self, step: Step) -> None:
        fraction = self.update_schedule.fraction(step.number)
        self.replace([self.moved(place, step, fraction) for place in range(len(self.masks))], step)

    def moved(self, place: int, step: Step, fraction: float) -> torch.Tensor:
        """Return the new mask of the layer at `place`."""
        weight, kept = self.weights[place].detach(), self.masks[place]
        if self.how == "rigl":
            return rigl_step(weight, step.gradients[place], kept, fraction)
        generator = torch.Generator().manual_seed(derive(self.seed, "set", step.number, place))
        return set_step(weight, kept, fraction, generator)

    def replace(self, masks: list[torch.Tensor], step: Step) -> None:
        """Take over new masks, clear the momentum of what was grown, and note how many moved and what energy went."""
        pairs = list(zip(self.masks, masks, strict=True))
        grown = sum(int((new & ~old).sum()) for old, new in pairs)
        dropped = sum(int((old & ~new).sum()) for old, new in pairs)
        kept = sum(int(mask.sum()) for mask in masks)
        counts = {"dropped": dropped, "grown": grown, "kept": kept, **self.more_news()}
        counts["energy_lost"] = energy_lost(self.weights, self.masks, masks)
        self._news.append({"event": "exchange", "step": step.number, **counts})
        for (old, new), velocity in zip(pairs, step.velocities, strict=True):
            velocity.masked_fill_(new & ~old, 0.0)
        # A mask made by reshaping lies in another order in memory than the weight it covers.
        self.masks = [torch.empty_like(old).copy_(new) for old, new in pairs]
        self.settle(step.velocities)
        self.on_move(step.number)

    def moves(self, steps: int) -> int:
        schedule = self.update_schedule
        return sum(schedule.fraction(step) > 0 for step in range(0, min(schedule.until + 1, steps), schedule.every))

    def more_news(self) -> dict[str, Any]:
        """Return what else an update tells."""
        return {}

    def news(self) -> list[dict[str, Any]]:
        told, self._news = self._news, []
        return told
