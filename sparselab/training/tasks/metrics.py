"""What a network is judged by: the mean over all examples of one number each, and which way is better."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def _identity(mean: float) -> float:
    return mean


@dataclass(frozen=True)
class Metric:
    """finish(mean of `of(outputs, targets)` over all examples of a split).

    Args: name: as it is shown, such as "perplexity". of: returns one number an example, n, or n x ... whose mean it is.
        higher_is_better: False for losses and errors. finish: such as math.exp, for a perplexity.

    Example: >>> import math
             >>> from torch.nn import functional as F
             >>> per_example = lambda outputs, targets: F.cross_entropy(outputs, targets, reduction="none")
             >>> Metric("perplexity", per_example, higher_is_better=False, finish=math.exp).finish(0.0)
             1.0
    """

    name: str
    of: Callable[[Tensor, Tensor], Tensor]
    higher_is_better: bool = True
    finish: Callable[[float], float] = _identity


def _is_right(outputs: Tensor, targets: Tensor) -> Tensor:
    return outputs.argmax(dim=1) == targets


ACCURACY = Metric("accuracy", _is_right)
"""The share of examples whose largest logit is that of their class, in [0, 1]."""
