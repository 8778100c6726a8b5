"""What a weight is worth to a pruning criterion: functions of weights and gradients, the largest are kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.floating[Any]]
Scores = NDArray[np.float64]

CHANNEL_FEATURES = ("feature-l1", "feature-l2", "saliency")
"""What each column of a layer's `features` (channels x 3) holds."""


def magnitude(weight: Values) -> Scores:
    """Return |w|. Source: Han et al., NeurIPS 2015; the score of iterative and one-shot magnitude pruning.

    Example: >>> magnitude(np.array([[-2.0, 1.0]])).tolist()
             [[2.0, 1.0]]
    """
    return np.abs(weight, dtype=np.float64)


def random(weight: Values, rng: np.random.Generator) -> Scores:
    """Return uniform noise of the weight's shape: the control."""
    return rng.random(weight.shape)


def snip(weight: Values, gradient: Values) -> Scores:
    """Return |w * g|, g = dL/dw: how much the loss feels the weight, whichever way.

    Source: Lee et al., ICLR 2019, Eq. 5, without its division by the sum over all weights, which changes no order.
    Example: >>> snip(np.array([[-2.0, 1.0]]), np.array([[0.5, 3.0]])).tolist()
             [[1.0, 3.0]]
    """
    return np.abs(np.multiply(weight, gradient, dtype=np.float64))


def grasp(weight: Values, hessian_gradient: Values) -> Scores:
    """Return w * (H g), signed: without a weight of large positive score the norm of the gradient would shrink most.

    g is the loss's gradient with logits divided by 200, H its Hessian. Removing w changes |g|^2 by -2 * w * (H g) to first
    order, so the largest signed values are kept. Source: Wang et al., ICLR 2020, Eq. 8, there negated and the largest
    removed. Differs from Structure-LTH's released code, which takes the absolute value; we side with the paper.
    """
    return np.multiply(weight, hessian_gradient, dtype=np.float64)


def synflow(weight: Values, flow_gradient: Values) -> Scores:
    """Return |w| * dR/d|w|, R the sum of the outputs of the network of absolute weights for an input of ones.

    No data: BatchNorm in eval, float64. Source: Tanaka et al., NeurIPS 2020, Eq. 2.
    """
    return np.multiply(np.abs(weight), flow_gradient, dtype=np.float64)


def synflow_densities(density: float, steps: int = 100) -> tuple[float, ...]:
    """Return the density after each step: d^(k / steps), k = 1 .. steps, scores taken anew before each.

    Source: Tanaka et al., Alg. 1. Differs from Structure-LTH's released code, which lowers 1 - d in even steps.
    Example: >>> [round(density, 3) for density in synflow_densities(0.01, steps=2)]
             [0.1, 0.01]
    """
    return tuple(density ** (step / steps) for step in range(1, steps + 1))


@dataclass(frozen=True)
class Score:
    """A criterion in the registry: `compute` takes what `needs` names, in that order."""

    title: str
    source: str
    needs: tuple[str, ...]
    compute: Callable[..., Scores]

    def __call__(self, **given: Any) -> Scores:
        """Return the scores from whatever of `given` they need; the rest is ignored."""
        return self.compute(*(given[name] for name in self.needs))


SCORES: Mapping[str, Score] = MappingProxyType(
    {
        "magnitude": Score("Magnitude", "Han et al., NeurIPS 2015", ("weight",), magnitude),
        "random": Score("Random", "control", ("weight", "rng"), random),
        "snip": Score("SNIP", "Lee et al., ICLR 2019", ("weight", "gradient"), snip),
        "grasp": Score("GraSP", "Wang et al., ICLR 2020", ("weight", "hessian_gradient"), grasp),
        "synflow": Score("SynFlow", "Tanaka et al., NeurIPS 2020", ("weight", "flow_gradient"), synflow),
    }
)
