"""ADMM while a network trains: weights drawn towards a sparse copy of themselves, until little is lost by pruning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from sparselab.training.network import Masks, Network
from sparselab.training.updaters.base import MaskUpdater, Step


class Admm(MaskUpdater):
    """Minimise loss(W) + g(Z) with W = Z, where g is 0 if Z keeps at most `count` weights, else infinite, in scaled form.

    W  a step of the optimizer on loss + rho / 2 |W - Z + U|^2, at every step
    Z  the projection of W + U: its `count` largest |values| over all layers together, 0 elsewhere
    U  U + W - Z, the running sum of distances; Z and U are updated after every step that `updates_at` names

    Z starts as the projection of W, U at 0. The masks stay as they are: what is pruned at the end is the caller's to say.

    Source: Zhang et al., ECCV 2018 (A Systematic DNN Weight Pruning Framework using ADMM), Sec. 3; Boyd et al., 2011, 9.1.
    """

    def __init__(
        self, network: Network, masks: Masks, *, rho: float, count: int, updates: int, first: int, total: int
    ) -> None:
        """`first` and `total`: the training's first step and its end, over which `updates` updates are spread evenly."""
        super().__init__(network, masks)
        self.rho, self.count = rho, count
        self._updates, self._first, self._steps = updates, first, total - first
        self._sums = [torch.zeros_like(weight) for weight in self.weights]
        self._copies = self._projected()
        self._news: list[dict[str, Any]] = []

    def updates_at(self, step: int) -> bool:
        """Whether Z and U are updated after a step: whenever another of the equal parts of the training is over."""
        done = step - self._first
        return (done + 1) * self._updates // self._steps > done * self._updates // self._steps

    @torch.no_grad()
    def update(self, step: Step) -> bool:
        for gradient, weight, copy, total in zip(step.gradients, self.weights, self._copies, self._sums, strict=True):
            gradient.add_(weight - copy + total, alpha=self.rho)
        return super().update(step)

    @torch.no_grad()
    def after(self, step: Step) -> None:
        if not self.updates_at(step.number):
            return
        self._copies = self._projected()
        for weight, copy, total in zip(self.weights, self._copies, self._sums, strict=True):
            total.add_(weight - copy)
        apart = sum(float((w - z).square().sum()) for w, z in zip(self.weights, self._copies, strict=True))
        whole = sum(float(weight.square().sum()) for weight in self.weights)
        self._news.append({"event": "admm", "step": step.number, "distance": apart / whole if whole else 0.0})

    def news(self) -> list[dict[str, Any]]:
        told, self._news = self._news, []
        return told

    def tensors(self) -> dict[str, torch.Tensor]:
        named = {"copy": self._copies, "sum": self._sums}
        return {
            f"{place}.{name}": value.cpu().contiguous()
            for name, values in named.items()
            for place, value in enumerate(values)
        }

    @torch.no_grad()
    def load(self, masks: Masks, tensors: Mapping[str, torch.Tensor], velocities: Sequence[torch.Tensor]) -> None:
        super().load(masks, tensors, velocities)
        for place in range(len(self.weights)):
            self._copies[place].copy_(tensors[f"{place}.copy"])
            self._sums[place].copy_(tensors[f"{place}.sum"])

    @torch.no_grad()
    def _projected(self) -> list[torch.Tensor]:
        """Return W + U with all but its `count` largest |values| set to 0; among equal ones those of lower index stay."""
        found = [weight + total for weight, total in zip(self.weights, self._sums, strict=True)]
        magnitude = torch.cat([value.abs().reshape(-1) for value in found])
        order = torch.sort(magnitude, descending=True, stable=True).indices[: self.count]
        kept = torch.zeros_like(magnitude, dtype=torch.bool).index_fill_(0, order, True)
        parts = torch.split(kept, [value.numel() for value in found])
        return [
            torch.empty_like(value).copy_(value.masked_fill(~part.reshape(value.shape), 0.0))
            for value, part in zip(found, parts, strict=True)
        ]
