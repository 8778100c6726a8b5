"""What a kernel that works in square tiles sees of a layout."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sparselab.core.layout import Layout
from sparselab.core.mask import BoolMatrix, Mask


@dataclass(frozen=True, eq=False)
class TileView:
    """The tiles that a kernel computes, as one row of densities a strip of tiles, -1 where there is no tile.

    `densities` are weights kept before / tile area: what the arithmetic is spent on. `zeros_computed` is the share of all
    computed products whose weight is zero before; `padding_waste` the share that lies outside any block.
    """

    densities: NDArray[np.float64]
    tiles: int
    zeros_computed: float
    padding_waste: float


def tile_view(layout: Layout, tile: int) -> TileView:
    """Cut the blocks into tile x tile tiles, each block from its own corner; without blocks, the mask's own non-empty tiles.

    Partial tiles count in full, because a kernel computes them in full.
    """
    if layout.blocks:
        strips = [_strips(layout.before.kept[np.ix_(block.rows, block.cols)], tile) for block in layout.blocks]
        parts = [row for strip in strips for row in strip]
        width = max(part.size for part in parts)
        densities = np.full((len(parts), width), -1.0)
        for index, part in enumerate(parts):
            densities[index, : part.size] = part
    else:
        counts = _strips(layout.before.kept, tile)
        occupied = _strips(layout.after.kept, tile) > 0
        densities = np.where(occupied, counts, -1.0)
    computed = densities >= 0
    tiles = int(computed.sum())
    area = tiles * tile * tile
    kept_inside = float(densities[computed].sum()) * tile * tile
    inside = sum(block.area for block in layout.blocks) if layout.blocks else layout.after.count
    return TileView(
        densities,
        tiles,
        1.0 - kept_inside / area if area else 0.0,
        1.0 - inside / area if area else 0.0,
    )


def _strips(kept: BoolMatrix, tile: int) -> NDArray[np.float64]:
    """Return kept weights / tile area of every aligned tile."""
    mask = Mask(kept)
    rows = np.add.reduceat(mask.kept, np.arange(0, mask.rows, tile), axis=0, dtype=np.int64)
    return np.add.reduceat(rows, np.arange(0, mask.cols, tile), axis=1) / (tile * tile)
