"""A layer as a picture of a few thousand pixels: what stays, what comes and what goes, as densities of areas."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparselab.analysis.pooling import pool
from sparselab.core.layout import Layout
from sparselab.core.mask import Mask

ROWS, COLS = 48, 64
"""A small picture has at most so many pixels."""

LEVELS = 15
"""Densities are rounded to this many steps: two pixels a byte."""


def small_picture(before: Mask, after: Mask | None = None) -> dict[str, Any]:
    """Return a mask, or what became of one, as a picture of at most 48 x 64 pixels: plain values for `runtime.messages`.

    Returns: {"rows", "cols", "top", "planes"}. planes: uint8 kinds x rows x ceil(cols / 2), two pixels a byte, the left one in the
    upper half; kinds are the weights kept, then, with `after`, grown and dropped. A pixel is round(15 density / top) of its
    area; top is the density of the densest pixel, or 1 where nothing is kept.
    Example: >>> picture = small_picture(Mask(np.eye(4, dtype=bool)))
             >>> picture["top"], picture["planes"].tolist()
             (1.0, [[[240, 0], [15, 0], [0, 240], [0, 15]]])
    """
    masks = (before,) if after is None else (before & after, after - before, before - after)
    densities = np.stack([pool(mask, most_rows=ROWS, most_cols=COLS).density for mask in masks])
    top = float(densities.sum(axis=0).max()) or 1.0
    return {
        "rows": densities.shape[1],
        "cols": densities.shape[2],
        "top": top,
        "planes": _packed(np.rint(LEVELS * densities / top).astype(np.uint8)),
    }


def small_pictures(layout: Layout) -> dict[str, Any]:
    """Return {"before", "after"}: the mask before in the file's order, and what became of it with rows and columns by group."""
    rows, cols = layout.row_order.order, layout.col_order.order
    return {
        "before": small_picture(layout.before),
        "after": small_picture(layout.before.permuted(rows, cols), layout.after.permuted(rows, cols)),
    }


def _packed(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    even = np.pad(pixels, ((0, 0), (0, 0), (0, pixels.shape[2] % 2)))
    return (even[:, :, 0::2] << 4 | even[:, :, 1::2]).astype(np.uint8)
