"""What a transform is: a layer goes in, a layout comes out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Self

import numpy as np

from sparselab.core.groups import cut_at_groups, join_groups, split_groups
from sparselab.core.inputs.generators import Rng, as_generator
from sparselab.core.inputs.layers import LayerLike, as_layer
from sparselab.core.layer import Layer
from sparselab.core.layout import Layout
from sparselab.core.settings import check_settings
from sparselab.runtime.progress import SILENT, Monitor
from sparselab.transforms.cells import Cells
from sparselab.transforms.contender import Contender


@dataclass(frozen=True)
class Transform(ABC):
    """Layer -> Layout. The fields are the settings."""

    title: ClassVar[str]
    source: ClassVar[str]
    splits_groups: ClassVar[bool] = True
    """Whether each group of a grouped convolution is a layer by itself to it, because it puts rows together or reorders channels.
    Otherwise it is given the whole layer, and its blocks are cut where one group ends and the next begins."""

    def __post_init__(self) -> None:
        check_settings(self)

    @property
    def needs(self) -> frozenset[str]:
        """What a layer must bring besides its mask under these settings, by the names of `Layer`: weight, features."""
        return frozenset()

    def at_random(self, density: float) -> Transform | None:
        """Return the same with rows put together at random, in groups as high, at the same budget, not refined: chance.

        density: what the layout at hand has, for a transform that chooses its own. None where rows are not put together.
        """
        return None

    @property
    def draws_new_weights(self) -> bool:
        """Whether weights that come back take fresh random values, and not those of the rewind step."""
        return False

    @property
    def is_global(self) -> bool:
        """Whether what becomes of one layer depends on the others, so that all of them must be given to `over` at once."""
        return False

    def __call__(self, layer: LayerLike, *, rng: Rng = None, device: str = "auto", monitor: Monitor = SILENT) -> Layout:
        """Return what this transform makes of a layer, or of a mask, array or tensor that stands for one; see `as_layer`.

        Rows of different groups of a convolution see different inputs, so they are never put into one block: each group is
        transformed by itself, all from one `rng` in turn, and the layouts are joined (see `splits_groups`).

        rng: a generator, a seed, or None for the seed 0.
        Raises: SparselabError for what is no layer, SettingError when the layer lacks what the settings need, Cancelled when
            stopped with nothing to keep.
        """
        return self._run_by_groups(as_layer(layer), as_generator(rng), device, monitor)

    def drawing(
        self, layer: LayerLike, *, device: str = "auto", monitor: Monitor = SILENT
    ) -> Callable[[np.random.Generator], Cells]:
        """Return a function that gives, for one generator after another, the cells of the blocks that a call with it would lay.

        For who draws often: what does not depend on chance is computed once, and no layout is made.
        Raises: as a call does, at once or when the function is called.
        """
        parts = self._parts(as_layer(layer))
        drawn = [self._drawing(part, device, monitor) for part in parts]
        height = parts[0].mask.rows

        def cells(rng: np.random.Generator) -> Cells:
            found = [draw(rng) for draw in drawn]
            groups = tuple(rows + place * height for place, each in enumerate(found) for rows in each.groups)
            return Cells(groups, np.concatenate([each.chosen for each in found]))

        return cells

    def over(
        self, layers: Iterable[LayerLike], *, rng: Rng = None, device: str = "auto", monitor: Monitor = SILENT
    ) -> tuple[Layout, ...]:
        """Return the layout of every layer, in order: of each by itself, from the same state of `rng`, unless `is_global`.

        Raises: as a call on one layer does.
        """
        given = [as_layer(layer) for layer in layers]
        parts = [self._parts(layer) if self.is_global else (layer,) for layer in given]
        done = iter(self._run_over([part for of in parts for part in of], as_generator(rng), device, monitor))
        return tuple(self._joined(layer, [next(done) for _ in of]) for layer, of in zip(given, parts, strict=True))

    @abstractmethod
    def _run(self, layer: Layer, rng: np.random.Generator, device: str, monitor: Monitor) -> Layout:
        """Return the layout of one layer, or of one group of a grouped one; what a transform is."""

    def _drawing(self, layer: Layer, device: str, monitor: Monitor) -> Callable[[np.random.Generator], Cells]:
        """Return what `drawing` does for a layer of one group; a transform says here what the draws can share."""

        def cells(rng: np.random.Generator) -> Cells:
            blocks = self._run(layer, rng, device, monitor).blocks
            chosen = np.zeros((len(blocks), layer.mask.cols), dtype=bool)
            for block, cols in zip(blocks, chosen, strict=True):
                cols[block.cols] = True
            return Cells(tuple(block.rows for block in blocks), chosen)

        return cells

    def _run_over(
        self, layers: Sequence[Layer], rng: np.random.Generator, device: str, monitor: Monitor
    ) -> tuple[Layout, ...]:
        """Return the layout of every layer; a transform that is global says how."""
        return tuple(self._run_by_groups(layer, deepcopy(rng), device, monitor) for layer in layers)

    def _run_by_groups(self, layer: Layer, rng: np.random.Generator, device: str, monitor: Monitor) -> Layout:
        return self._joined(layer, [self._run(part, rng, device, monitor) for part in self._parts(layer)])

    def _parts(self, layer: Layer) -> tuple[Layer, ...]:
        return split_groups(layer) if self.splits_groups and layer.groups > 1 else (layer,)

    @staticmethod
    def _joined(layer: Layer, parts: Sequence[Layout]) -> Layout:
        return join_groups(parts) if len(parts) > 1 else cut_at_groups(parts[0], layer.groups)

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

    def within_budget(self, layer: LayerLike) -> Self:
        """Return the transform that spends no more than its density on this layer, where rounding would make it spend more."""
        return self
