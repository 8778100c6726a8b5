"""A training step of a layer: Y, dX and dW, prepared from where its weights lie and not from their values."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from sparselab.core.mask import IntVector

if TYPE_CHECKING:
    from torch import Tensor


class LayerStep(ABC):
    """Y = W X + b, and the gradients of a loss with respect to X and to the weights that W holds as `values`.

    X and Y are as `Work` has them; values has one number per weight, in the order of `places`, and may change at every call.
    """

    @property
    @abstractmethod
    def places(self) -> tuple[IntVector, IntVector]:
        """Row and column, in W as out x n, of every value."""

    @abstractmethod
    def product(self, x: Tensor, values: Tensor, bias: Tensor | None) -> Tensor:
        """Return Y, without a graph of gradients."""

    @abstractmethod
    def input_gradient(self, slope: Tensor, x: Tensor, values: Tensor) -> Tensor:
        """Return dX for a slope dY of the shape of Y."""

    @abstractmethod
    def value_gradient(self, slope: Tensor, x: Tensor) -> Tensor:
        """Return the gradient of the values for a slope dY of the shape of Y."""
