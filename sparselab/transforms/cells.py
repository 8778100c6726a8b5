"""What a group of rows keeps in each column: the cells that every selection rule chooses from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sparselab.analysis.similarity import count_product
from sparselab.core.device import as_tensor
from sparselab.core.errors import SettingError
from sparselab.core.layer import Layer
from sparselab.core.mask import BoolMatrix
from sparselab.core.strips import row_strips
from sparselab.grouping import Groups

if TYPE_CHECKING:
    import torch

WEIGHS: Mapping[str, str] = MappingProxyType(
    {
        "count": "every kept weight counts 1; works for a mask alone",
        "magnitude": "by |w|, so that blocks keep the largest sum of magnitudes",
        "energy": "by w squared, so that blocks keep the largest sum of squares",
    }
)

AUTOMATIC = "energy where the layer has weights, else count"
"""What it means that nobody says how a kept weight is weighed."""

_SCALE = 2.0**30


@dataclass(frozen=True, eq=False)
class Cells:
    """What blocks are made of: which columns (chosen, bool groups x cols) the rows of each group take; no weight lies in two."""

    groups: Groups
    chosen: BoolMatrix

    def covers(self, shape: tuple[int, int]) -> BoolMatrix:
        """Return which weights of a layer of this shape lie in a cell."""
        covered = np.zeros(shape, dtype=bool)
        for rows, cols in zip(self.groups, self.chosen, strict=True):
            covered[rows] |= cols
        return covered


def cell_needs(weigh: str | None) -> frozenset[str]:
    """Return what a layer must bring for a kept weight to be worth something, by the names of `Layer`."""
    return frozenset() if weigh in (None, "count") else frozenset({"weight"})


def weigh_of(layer: Layer, weigh: str | None) -> str:
    """Return how the kept weights of a layer are weighed: as asked, or, where nothing is asked, by what "best" means for it.

    That is energy, or count for a mask alone and for kept weights that are all zero (see `analysis.worth`).
    """
    if weigh is not None:
        return weigh
    weight, kept = layer.weight, layer.mask.kept
    return "count" if weight is None or not np.any(weight, where=kept) else "energy"


def scores(layer: Layer, weigh: str | None, device: torch.device) -> torch.Tensor:
    """Return what each kept weight is worth: 1 (count, int8), |w| (magnitude) or w^2 (energy), both int32; 0 where not kept.

    None stands for what `weigh_of` says.

    Magnitudes and energies are scaled so that the largest is 2**30 and rounded: sums of whole numbers below 2**53 come
    out the same in any order, so one thread, two threads and a GPU choose the same blocks.

    Raises: SettingError when weights are asked for and the layer has none.
    """
    import torch

    weigh = weigh_of(layer, weigh)
    if weigh == "count":
        return as_tensor(layer.mask.kept.view(np.int8), device)
    largest = max((float(strip.max(initial=0.0)) for _, strip in _importance(layer, weigh)), default=0.0)
    # Squares and quotients of the least and the largest floats have no place among the floats.
    shift = 0 if 2.0**-400 < largest < 2.0**400 else -int(np.frexp(largest)[1])
    most = float(np.ldexp(largest, shift))
    scale = 0.0 if most == 0 else _SCALE / (most**2 if weigh == "energy" else most)
    worth = np.empty(layer.mask.shape, dtype=np.int32)  # four bytes a weight, whatever the weights have
    for rows, strip in _importance(layer, weigh):
        if shift:
            np.ldexp(strip, shift, out=strip)
        if weigh == "energy":
            np.square(strip, out=strip)
        strip *= scale
        worth[rows] = np.rint(strip, out=strip)
    return torch.from_numpy(worth).to(device)


def _importance(layer: Layer, weigh: str) -> Iterator[tuple[slice, NDArray[np.float64]]]:
    """Yield the layer's importance strip by strip."""
    for rows in row_strips(*layer.mask.shape):
        strip = layer.importance_of(rows)
        if strip is None:
            raise SettingError(f"weigh={weigh} needs weights, and {layer.name} is a mask alone: use weigh=count")
        yield rows, strip


def group_sums(scores: torch.Tensor, groups: Groups) -> torch.Tensor:
    """Return S[g, c], the summed score of column c over the rows of group g, as exact float64 (groups x cols).

    No row is in two groups.
    """
    import torch

    group_of = np.full(scores.shape[0], len(groups))
    for index, rows in enumerate(groups):
        group_of[rows] = index
    place = as_tensor(group_of, scores.device)
    if scores.dtype == torch.int8:
        member = torch.arange(len(groups), device=scores.device)[:, None] == place
        return count_product(member.to(torch.int8), scores).to(torch.float64)
    sums = torch.zeros((len(groups) + 1, scores.shape[1]), dtype=torch.float64, device=scores.device)
    for strip in row_strips(*scores.shape):
        sums.index_add_(0, place[strip], scores[strip].to(torch.float64))
    return sums[:-1]
