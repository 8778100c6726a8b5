"""Top-KAST while a network trains: a sparse forward pass, a little less sparse a backward pass, every weight remembered."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

import torch

from sparselab.core.torch_private import foreach_copy
from sparselab.training.network import Network
from sparselab.training.updaters.base import MaskUpdater, Step


class TopKast(MaskUpdater):
    """Forward on the largest |w| of every layer (set A), gradients to A and the next largest (set B); the rest persists.

    Both sets are taken anew at every step. Weight decay is the paper's regulariser: decay * w on A, decay / D * w on B
    without A, D the forward density; nothing outside B, whose momentum is 0.

    Source: Jayakumar et al., NeurIPS 2020 (Top-KAST), Sec. 2.
    """

    decays_weights = True

    def __init__(self, network: Network, forward: Sequence[int], *, backward_extra: float, decay: float) -> None:
        """`forward`: number of weights in A of each layer; B has ceil(backward_extra * size) more, as far as there are any."""
        super().__init__(network, network.full)
        self._forward = list(forward)
        self._backward = [
            min(weight.numel(), count + ceil(backward_extra * weight.numel()))
            for count, weight in zip(self._forward, self.weights, strict=True)
        ]
        self._decay = decay
        self._dense: list[torch.Tensor] = []
        self._reached: list[torch.Tensor] = []
        self._held: list[torch.Tensor] = []
        self.finish()

    @torch.no_grad()
    def before(self, step: int) -> None:
        self._recall()
        self._dense = [weight.detach().clone() for weight in self.weights]
        self._reached = self._sets(self._backward)
        self.masks = self._sets(self._forward)
        self._hide()
        self.on_move(step)

    def moves(self, steps: int) -> int:
        return steps

    def update(self, step: Step) -> bool:
        with torch.no_grad():
            foreach_copy(self.weights, self._dense)
            for place, (gradient, reached) in enumerate(zip(step.gradients, self._reached, strict=True)):
                used = self.masks[place]
                density = self._forward[place] / used.numel()
                strength = torch.where(used, self._decay, self._decay / max(density, 1 / used.numel()))
                gradient.add_(strength * self.weights[place]).masked_fill_(~reached, 0.0)
                step.velocities[place].masked_fill_(~reached, 0.0)
        return True

    @torch.no_grad()
    def finish(self) -> None:
        """Show the network as its forward pass sees it; the other weights are held back until the next step."""
        self._recall()
        self._held = [weight.detach().clone() for weight in self.weights]
        self.masks = self._sets(self._forward)
        self._hide()

    def tensors(self) -> dict[str, torch.Tensor]:
        return {f"{place}.held": value.cpu().contiguous() for place, value in enumerate(self._held)}

    @torch.no_grad()
    def load(self, masks: object, tensors: object, velocities: Sequence[torch.Tensor]) -> None:
        assert isinstance(tensors, dict)
        self._held = [torch.empty_like(w).copy_(tensors[f"{place}.held"]) for place, w in enumerate(self.weights)]
        self.finish()

    def _sets(self, counts: Sequence[int]) -> list[torch.Tensor]:
        return [_largest(weight, count) for weight, count in zip(self.weights, counts, strict=True)]

    def _hide(self) -> None:
        for weight, mask in zip(self.weights, self.masks, strict=True):
            weight.masked_fill_(~mask, 0.0)

    def _recall(self) -> None:
        for weight, held in zip(self.weights, self._held, strict=False):
            weight.copy_(held)
        self._held = []


def _largest(weight: torch.Tensor, count: int) -> torch.Tensor:
    """Return which `count` weights have the largest |w|; among equal ones the lower index."""
    order = torch.sort(weight.detach().abs().reshape(-1), descending=True, stable=True).indices[:count]
    chosen = torch.zeros(weight.numel(), dtype=torch.bool, device=weight.device).index_fill_(0, order, True)
    return torch.empty_like(weight, dtype=torch.bool).copy_(chosen.reshape(weight.shape))
