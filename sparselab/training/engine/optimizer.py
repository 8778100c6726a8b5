"""Stochastic gradient descent with momentum, on lists of tensors, its state in plain sight."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from sparselab.core.torch_private import foreach_add, foreach_multiply


class Sgd:
    """v = momentum * v + g + decay * w;  w = w - rate * v.  `velocities` are the v, one a parameter, 0 at first.

    The same as torch.optim.SGD without dampening. Parameters whose place is in `undecayed` get no weight decay here.
    """

    def __init__(
        self, parameters: Sequence[torch.Tensor], *, momentum: float, decay: float, undecayed: Sequence[int] = ()
    ) -> None:
        self._parameters = list(parameters)
        self._momentum, self._decay = momentum, decay
        self._decayed = [place for place in range(len(self._parameters)) if place not in set(undecayed)]
        self.velocities = [torch.zeros_like(parameter) for parameter in self._parameters]

    @torch.no_grad()
    def step(self, gradients: list[torch.Tensor], rate: float) -> None:
        """Take one step; `gradients` are used up."""
        if self._decay:
            weights = [self._parameters[place] for place in self._decayed]
            foreach_add([gradients[place] for place in self._decayed], weights, alpha=self._decay)
        foreach_multiply(self.velocities, self._momentum)
        foreach_add(self.velocities, gradients)
        foreach_add(self._parameters, self.velocities, alpha=-rate)
