"""A layer goes in, a layout comes out: the two values every transform speaks of, and what a transform is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, fields
from functools import cached_property
from math import prod
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from sparselab.contender import Contender
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

    @property
    def is_global(self) -> bool:
        """Whether what becomes of one layer depends on the others, so that all of them must be given to `over` at once."""
        return False

    def missing(self, layer: Layer) -> tuple[str, ...]:
        """Return which of `needs` the layer does not bring."""
        return tuple(sorted(need for need in self.needs if getattr(layer, need) is None))

    @abstractmethod
    def __call__(
        self, layer: Layer, *, rng: np.random.Generator, device: str = "auto", monitor: Monitor = SILENT
    ) -> Layout:
        """Return what this transform makes of `layer`.

        Raises: SettingError when the layer lacks what the settings need, Cancelled when stopped with nothing to keep.
        """

    def over(
        self,
        layers: Sequence[Layer],
        *,
        rng: np.random.Generator,
        device: str = "auto",
        monitor: Monitor = SILENT,
    ) -> tuple[Layout, ...]:
        """Return the layout of every layer, in order: of each by itself, from the same state of `rng`, unless `is_global`.

        Raises: as a call on one layer does.
        """
        return tuple(self(layer, rng=deepcopy(rng), device=device, monitor=monitor) for layer in layers)

    @classmethod
    def spending(cls, density: float | None) -> dict[str, Any]:
        """Return the settings that tell it to spend `density` of the weights: none where it chooses a density of its own.

        With None, none: the settings' defaults say what is spent.
        """
        has_budget = any(setting.name == "density" for setting in fields(cls))
        return {"density": density} if has_budget and density is not None else {}

    @classmethod
    def contenders(cls, name: str, density: float | None) -> tuple[Contender, ...]:
        """Return who takes part for this transform, registered as `name`, when `density` of the weights may be spent.

        Unless a transform says otherwise, itself with its default settings.
        """
        return (Contender(name, cls.title, name, cls.spending(density), at_budget=bool(cls.spending(1.0))),)

    def within_budget(self, layer: Layer) -> Self:
        """Return the transform that spends no more than its density on this layer, where rounding would make it spend more."""
        return self
