"""What masks do while a network trains: here, nothing but to hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from sparselab.core.torch_private import foreach_multiply
from sparselab.training.network import Masks, Network


@dataclass(frozen=True, eq=False)
class Step:
    """One step as a updater sees it: its number, the dense gradients of the prunable weights, and their momentum.

    Both in the order of the network's `weights`, to be changed in place.
    """

    number: int
    gradients: Sequence[torch.Tensor]
    velocities: Sequence[torch.Tensor]


class MaskUpdater:
    """Masks that stay as they are.

    A weight outside is set to 0 once. Its gradient is set to 0 at every step, hence its momentum and itself stay exactly 0.

    `masks` are bool, in the order of the network's `weights`, on its device. `on_move` is called with the number of a step whenever
    they have moved.
    """

    decays_weights: bool = False
    """Whether it decays the prunable weights itself, instead of the optimizer."""

    def __init__(self, network: Network, masks: Masks) -> None:
        self.weights = list(network.weights.values())
        self.names = list(network.weights)
        self.masks = [_like(masks[name], weight) for name, weight in network.weights.items()]
        self.factors: list[torch.Tensor] = []
        self.on_move: Callable[[int], None] = lambda _step: None
        self.settle()

    @torch.no_grad()
    def settle(self, velocities: Sequence[torch.Tensor] = ()) -> None:
        """Set weights, and momentum where given, to exactly 0 outside the masks."""
        self.factors = [mask.to(weight.dtype) for mask, weight in zip(self.masks, self.weights, strict=True)]
        for values in (self.weights, velocities):
            for value, mask in zip(values, self.masks, strict=bool(values)):
                value.masked_fill_(~mask, 0.0)

    def before(self, step: int) -> None:
        """Prepare the weights for the forward pass of a step."""

    def update(self, step: Step) -> bool:
        """Change gradients, weights or masks after the backward pass. Returns: whether the optimizer takes its step."""
        foreach_multiply(list(step.gradients), self.factors)
        return True

    def after(self, step: Step) -> None:
        """Change masks after the optimizer has taken its step; the gradients are used up."""

    def moves(self, steps: int) -> int:
        """Return how often the masks move in a training of so many steps."""
        return 0

    def row_groups(self) -> list[NDArray[np.int32]] | None:
        """Return, for every layer, which group a row shares its blocks with, from 1 on, 0 for none; None where there are no blocks."""
        return None

    def finish(self) -> None:
        """Leave the weights as the network uses them: before evaluation and capture."""

    def news(self) -> list[dict[str, Any]]:
        """Return what happened to the masks since it was last asked, for the run's events."""
        return []

    def current(self) -> Masks:
        """Return the masks as they are now."""
        return {name: mask.cpu().contiguous() for name, mask in zip(self.names, self.masks, strict=True)}

    def tensors(self) -> dict[str, torch.Tensor]:
        """Return what a checkpoint must hold beside weights, momentum and masks."""
        return {}

    def load(self, masks: Masks, tensors: Mapping[str, torch.Tensor], velocities: Sequence[torch.Tensor]) -> None:
        """Go on from a checkpoint."""
        self.masks = [_like(masks[name], weight) for name, weight in zip(self.names, self.weights, strict=True)]
        self.settle(velocities)


def _like(mask: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Return the mask on the weight's device, its elements in the weight's order in memory."""
    return torch.empty_like(weight, dtype=torch.bool).copy_(mask)
