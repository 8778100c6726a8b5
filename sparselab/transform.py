"""A layer goes in, a layout comes out: the two values every transform speaks of, and what a transform is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from sparselab.errors import SparselabError
from sparselab.layout import Layout
from sparselab.mask import Mask
from sparselab.monitor import SILENT, Monitor
from sparselab.settings import check_settings

FloatMatrix = NDArray[np.floating[Any]]


@dataclass(frozen=True, eq=False)
class Layer:
    """One prunable weight as a matrix out x n, n = in * kernel height * kernel width in PyTorch's order.

    `weight` are its values, `rewound` those of the rewind step, `gradient` the dense gradient, `features` what activation
    scores need; each is a matrix of the mask's shape or None. `kernel_shape` is a convolution's (kh, kw), None for linear.
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

    @property
    def tensor_shape(self) -> tuple[int, ...]:
        """The weight's shape in PyTorch: (out, in) or (out, in, kh, kw)."""
        if self.kernel_shape is None:
            return self.mask.shape
        return (self.mask.rows, self.mask.cols // prod(self.kernel_shape), *self.kernel_shape)

    @cached_property
    def importance(self) -> NDArray[np.float64] | None:
        """|w| where kept, 0 elsewhere, or None without weights."""
        return None if self.weight is None else np.abs(self.weight, dtype=np.float64) * self.mask.kept


@dataclass(frozen=True)
class Transform(ABC):
    """Layer -> Layout. The fields are the settings."""

    title: ClassVar[str]
    source: ClassVar[str]

    def __post_init__(self) -> None:
        check_settings(self)

    @property
    def needs(self) -> frozenset[str]:
        """What a layer must bring besides its mask under these settings, by the names of `Layer`: weight, features."""
        return frozenset()

    @property
    def draws_new_weights(self) -> bool:
        """Whether weights that come back take fresh random values, and not those of the rewind step."""
        return False

    @abstractmethod
    def __call__(
        self, layer: Layer, *, rng: np.random.Generator, device: str = "auto", monitor: Monitor = SILENT
    ) -> Layout:
        """Return what this transform makes of `layer`.

        Raises: SettingError when the layer lacks what the settings need, Cancelled when stopped with nothing to keep.
        """
