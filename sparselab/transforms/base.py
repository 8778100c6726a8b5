"""What a transform is: a layer goes in, a layout comes out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Self

import numpy as np

from sparselab.core.layer import Layer
from sparselab.core.layout import Layout
from sparselab.core.settings import check_settings
from sparselab.runtime.progress import SILENT, Monitor
from sparselab.transforms.contender import Contender


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
