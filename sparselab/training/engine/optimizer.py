"""Optimizers on lists of tensors, their state in plain sight: SGD with momentum, and AdamW."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch

from sparselab.core.torch_private import foreach_add, foreach_multiply

_BETA2, _EPSILON = 0.999, 1e-8


class Sgd:
    """v = momentum * v + g + decay * w;  w = w - rate * v.  `velocities` are the v, one a parameter, 0 at first.

    The same as torch.optim.SGD without dampening. Parameters whose place is in `undecayed` get no weight decay here.
    """

    def __init__(
        self,
        parameters: Sequence[torch.Tensor],
        *,
        momentum: float,
        decay: float,
        undecayed: Sequence[int] = (),
        nesterov: bool = False,
    ) -> None:
        self._parameters = list(parameters)
        self._momentum, self._decay, self._nesterov = momentum, decay, nesterov
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
        if self._nesterov:
            foreach_add(gradients, self.velocities, alpha=self._momentum)
        foreach_add(self._parameters, gradients if self._nesterov else self.velocities, alpha=-rate)

    def state(self) -> dict[str, torch.Tensor]:
        """Return what a checkpoint must hold beside `velocities`."""
        return {}

    def load(self, state: Mapping[str, torch.Tensor]) -> None:
        """Go on from what `state` returned."""


class AdamW:
    """v = beta1 * v + (1 - beta1) * g;  s = beta2 * s + (1 - beta2) * g^2;  w = w - rate * (decay * w + v' / (sqrt(s') + eps)).

    v' = v / (1 - beta1^t) and s' = s / (1 - beta2^t) at step t of the training; beta1 is the momentum, beta2 = .999, eps = 1e-8.
    The same as torch.optim.AdamW. A weight whose gradient and v are 0 stays where it is but for the decay.

    Source: Loshchilov & Hutter, ICLR 2019.
    """

    def __init__(
        self, parameters: Sequence[torch.Tensor], *, momentum: float, decay: float, undecayed: Sequence[int] = ()
    ) -> None:
        self._parameters = list(parameters)
        self._momentum, self._decay = momentum, decay
        self._decayed = [place for place in range(len(self._parameters)) if place not in set(undecayed)]
        self.velocities = [torch.zeros_like(parameter) for parameter in self._parameters]
        self._squares = [torch.zeros_like(parameter) for parameter in self._parameters]
        self._steps = 0

    @torch.no_grad()
    def step(self, gradients: list[torch.Tensor], rate: float) -> None:
        """Take one step; `gradients` are used up."""
        self._steps += 1
        foreach_multiply([self._parameters[place] for place in self._decayed], 1 - rate * self._decay)
        first, second = 1 - self._momentum**self._steps, 1 - _BETA2**self._steps
        for weight, velocity, square, gradient in zip(
            self._parameters, self.velocities, self._squares, gradients, strict=True
        ):
            velocity.lerp_(gradient, 1 - self._momentum)
            square.mul_(_BETA2).addcmul_(gradient, gradient, value=1 - _BETA2)
            weight.addcdiv_(velocity, square.sqrt().div_(second**0.5).add_(_EPSILON), value=-rate / first)

    def state(self) -> dict[str, torch.Tensor]:
        """Return what a checkpoint must hold beside `velocities`."""
        squares = {str(place): square.cpu().contiguous() for place, square in enumerate(self._squares)}
        return {"steps": torch.tensor(self._steps), **squares}

    def load(self, state: Mapping[str, torch.Tensor]) -> None:
        """Go on from what `state` returned."""
        self._steps = int(state["steps"])
        for place, square in enumerate(self._squares):
            square.copy_(state[str(place)])


def clip(gradients: Sequence[torch.Tensor], most: float) -> None:
    """Scale gradients together, where their norm over all of them is above `most`, so that it is `most`."""
    norm = torch.nn.utils.get_total_norm(list(gradients))
    foreach_multiply(list(gradients), float(min(1.0, most / max(float(norm), 1e-12))))
