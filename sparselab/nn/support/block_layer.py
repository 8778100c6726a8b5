"""What the rest asks of a block layer."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor

from sparselab.core.layout import Layout
from sparselab.kernels.base import Conv
from sparselab.kernels.steps import LayerStep


class BlockLayer(Protocol):
    """A layer whose weight lies in a layout, as `BlockModule` is one; X and Y as `Work` has them."""

    layout: Layout
    kernel: str
    dense_shape: tuple[int, ...]
    training: bool

    @property
    def weight(self) -> Tensor: ...

    @property
    def values(self) -> Tensor: ...

    @property
    def bias(self) -> Tensor | None: ...

    @property
    def conv(self) -> Conv | None: ...

    @property
    def groups(self) -> int: ...

    @property
    def step(self) -> LayerStep | None: ...

    def matrix(self) -> Tensor:
        """Return the weight as a dense matrix out x n."""

    def dense_product(self, x: Tensor, values: Tensor, bias: Tensor | None) -> Tensor:
        """Return Y by tensor operations."""

    def weighted(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """Return Y by the dense layer's own operation."""

    def multiply(self, x: Tensor) -> Tensor:
        """Return Y by a prepared kernel."""

    def doubt(self) -> None:
        """Have the next call of a kernel look whether the values are still those it was prepared from."""
