"""What random groups keep of a layer: what a grouping must be measured against."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from sparselab.analysis.worth import LEVEL, share_in_cells
from sparselab.core.inputs.layers import LayerLike, as_layer
from sparselab.core.layer import Layer
from sparselab.core.layout import Layout
from sparselab.formats import ReadOptions, load_layer
from sparselab.runtime.progress import SILENT, Monitor
from sparselab.transforms import TRANSFORMS
from sparselab.transforms.base import Transform
from sparselab.transforms.cells import Cells

FEWEST_DRAWS, MOST_DRAWS = 8, 16
_KNOWN = 0.001
"""Drawing ends when the mean is known to a tenth of a point: when the standard error of the draws is below this."""

_STREAM = 0x5EED
"""The draws have a stream of seeds of their own, so that a layout made by random groups is none of them."""


@dataclass(frozen=True)
class Chance:
    """Shares that random groups keep, by the measure of `analysis.worth`: mean, least and most of `draws` draws."""

    mean: float
    low: float
    high: float
    draws: int

    def gain(self, worth: float) -> float:
        """Return by how much a layout of this worth exceeds chance, as a share; below 0 where random groups keep more."""
        return worth - self.mean

    def explains(self, worth: float) -> bool:
        """Whether some draw kept as much as a layout of this worth, or more."""
        return worth <= self.high + LEVEL

    def as_json(self) -> dict[str, float | int]:
        """Return plain values under the fields' names."""
        return asdict(self)


def chance_of(
    layer: LayerLike, layout: Layout, run: Transform, *, device: str = "auto", monitor: Monitor = SILENT
) -> Chance | None:
    """Return what random groups keep where `run` made `layout` of `layer`: as high, at the same budget, by the same rule.

    Random groups of few rows keep much by themselves, so a grouping is worth what it keeps beyond them. Eight draws, up to
    sixteen while the mean is not known to a tenth of a point; the answer is the same at every call. Groups refined are measured
    against random ones that are not. A rule that chooses its density is measured against the rule `budget` at that density.

    Returns: None where rows are not put together (pruning, N:M, whole channels), or the layout has no blocks or is dense.
    Raises: SettingError when the layer lacks what the settings need, Cancelled.
    Example: >>> from sparselab.transforms import Regroup
             >>> kept, run = np.arange(64) % 2 == np.arange(32)[:, None] % 2, Regroup(rows_per_group=4)
             >>> chance = chance_of(kept, run(kept, device="cpu"), run, device="cpu")
             >>> chance.draws, chance.high < 1.0
             (16, True)
    """
    random = random_rival(run, layout)
    return None if random is None else drawn(as_layer(layer), random, device=device, monitor=monitor)


def random_rival(run: Transform, layout: Layout) -> Transform | None:
    """Return the transform that draws the random groups which `layout`, made by `run`, is measured against; None as `chance_of` has it."""
    return run.at_random(layout.after.density) if layout.status == "blocked" else None


def drawn(layer: Layer, random: Transform, *, device: str = "auto", monitor: Monitor = SILENT) -> Chance:
    """Return what a `random_rival` keeps of a layer. Raises: as `chance_of`."""
    draw, share = random.drawing(layer, device=device, monitor=monitor), share_in_cells(layer)
    kept: list[float] = []
    cells: Cells | None = None
    while len(kept) < MOST_DRAWS and not _is_known(kept):
        monitor.progress("random groups", len(kept), MOST_DRAWS)
        before, cells = cells, draw(np.random.default_rng([_STREAM, len(kept)]))
        kept.append(share(cells.groups, cells.chosen))
        if before is not None and abs(kept[-1] - kept[-2]) <= LEVEL and _are_same(before, cells, layer.mask.shape):
            break  # one group holds all rows: there is nothing to draw
    return Chance(float(np.mean(kept)), min(kept), max(kept), len(kept))


def chance_row(
    path: str,
    layer_name: str,
    transform: str,
    settings: Mapping[str, Any],
    options: ReadOptions,
    device: str = "auto",
    *,
    monitor: Monitor = SILENT,
) -> dict[str, float | int]:
    """Return as plain values what a `random_rival`, by its name and settings, keeps of a layer of a file, in a worker."""
    layer, random = load_layer(path, layer_name, options), TRANSFORMS[transform](**settings)
    return drawn(layer, random, device=device, monitor=monitor).as_json()


def _are_same(one: Cells, other: Cells, shape: tuple[int, int]) -> bool:
    return np.array_equal(one.covers(shape), other.covers(shape))


def _is_known(kept: list[float]) -> bool:
    return len(kept) >= FEWEST_DRAWS and float(np.std(kept, ddof=1)) / len(kept) ** 0.5 <= _KNOWN
