"""One prunable weight as a matrix, with its mask."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparselab.core.errors import SparselabError
from sparselab.core.mask import Mask

FloatMatrix = NDArray[np.floating[Any]]


@dataclass(frozen=True, eq=False)
class Layer:
    """One prunable weight as a matrix out x n, n = in * kernel height * kernel width in PyTorch's order.

    `weight` are its values, `rewound` those of the rewind step, `gradient` the dense gradient, `features` what activation
    scores need; each is a matrix of the mask's shape or None. `kernel_shape` is a convolution's (kh, kw), None for linear.
    `groups`: the rows lie in so many parts of one size, one after the other, and a column stands for another input in each; a
    block must not reach from one part into the next. `notes`: what its numbers left open when they were read, a sentence each.
    """

    name: str
    mask: Mask
    weight: FloatMatrix | None = None
    rewound: FloatMatrix | None = None
    gradient: FloatMatrix | None = None
    features: NDArray[np.floating[Any]] | None = None
    kernel_shape: tuple[int, ...] | None = None
    stride: int = 1
    padding: int = 0
    groups: int = 1
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("weight", "rewound", "gradient"):
            matrix = getattr(self, name)
            if matrix is not None and matrix.shape != self.mask.shape:
                raise SparselabError(f"{self.name}: expected {name} of shape {self.mask.shape}; got {matrix.shape}")
        if self.kernel_shape is not None and self.mask.cols % prod(self.kernel_shape):
            raise SparselabError(
                f"{self.name}: expected a multiple of {prod(self.kernel_shape)} columns for a kernel of "
                f"{'x'.join(map(str, self.kernel_shape))}; got {self.mask.cols}"
            )

        if self.groups < 1 or self.mask.rows % self.groups:
            raise SparselabError(
                f"{self.name}: expected a multiple of {self.groups} rows for as many groups; got {self.mask.rows}"
            )

    @property
    def tensor_shape(self) -> tuple[int, ...]:
        """The weight's shape in PyTorch: (out, in) or (out, in, kh, kw)."""
        if self.kernel_shape is None:
            return self.mask.shape
        return (self.mask.rows, self.mask.cols // prod(self.kernel_shape), *self.kernel_shape)

    @property
    def importance(self) -> NDArray[np.float64] | None:
        """|w| where kept, 0 elsewhere, or None without weights. Eight bytes a weight, made anew each time."""
        return self.importance_of(slice(None))

    def importance_of(self, rows: slice) -> NDArray[np.float64] | None:
        """Return `importance` of a strip of rows."""
        return None if self.weight is None else np.abs(self.weight[rows], dtype=np.float64) * self.mask.kept[rows]
