"""A film: the masks of layers frame by frame, and what is known of accuracy beside them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sparselab.core.errors import SettingError
from sparselab.core.mask import Mask
from sparselab.training.tasks.metrics import ACCURACY


@dataclass(frozen=True, eq=False, kw_only=True)
class FilmedLayer:
    """One layer of a film.

    packed  uint8, frames x rows x ceil(cols / 8): the bits of every frame's mask, most significant first, rows padded to bytes
    groups  int32, frames x rows: which group of rows a row shares its blocks with, counted from 1, 0 for a row in no block;
            None where the masks are not made of blocks
    """

    name: str
    shape: tuple[int, int]
    packed: NDArray[np.uint8] = field(repr=False)
    groups: NDArray[np.int32] | None = field(default=None, repr=False)

    def mask(self, frame: int) -> Mask:
        """Return the mask of a frame."""
        return Mask.from_packed(self.packed[frame], self.shape)


@dataclass(frozen=True)
class MeasuredAt:
    """What the run's metric was at a step, or after a level."""

    at: int
    value: float


@dataclass(frozen=True, eq=False, kw_only=True)
class Film:
    """The masks of a run, one frame after another.

    unit    what `at` counts: steps of one training ("step"), or levels of pruning ("level")
    at      the step or level of each frame, never falling
    updates how often the masks had moved before each frame, from 0 on; for levels the number of the frame
    stage   the training of the run that is filmed; "" for levels
    looks   the metric as it was measured on the images of `split`
    note    what must be said beside it: why there are no more frames, or what was left out; "" where there is nothing to say
    """

    title: str
    unit: Literal["step", "level"]
    at: tuple[int, ...]
    updates: tuple[int, ...]
    layers: tuple[FilmedLayer, ...]
    looks: tuple[MeasuredAt, ...] = ()
    metric: str = ACCURACY.name
    split: Literal["validation", "test"] = "validation"
    stage: str = ""
    note: str = ""

    def __len__(self) -> int:
        return len(self.at)

    def layer(self, name: str) -> FilmedLayer:
        """Return a layer by its name. Raises: SettingError where the film has none of that name."""
        found = next((layer for layer in self.layers if layer.name == name), None)
        if found is None:
            names = ", ".join(layer.name for layer in self.layers[:8])
            raise SettingError(f"layer: expected one of this film ({names}); got {name!r}")
        return found

    def only(self, name: str) -> Film:
        """Return the film of one layer. Raises: SettingError where there is none of that name."""
        return replace(self, layers=(self.layer(name),))
