"""Blocks and orders as comma separated values."""

from __future__ import annotations

from collections.abc import Sequence

from sparselab.core.csv_text import table
from sparselab.core.layout import Layout
from sparselab.core.permutation import Permutation


def blocks_csv(layout: Layout) -> str:
    """Return one line a block: index, height, width, area, then its rows and its columns, separated by spaces."""
    lines: list[Sequence[object]] = [("index", "height", "width", "area", "rows", "cols")]
    for index, block in enumerate(layout.blocks):
        rows, cols = (" ".join(map(str, part.tolist())) for part in (block.rows, block.cols))
        lines.append((index, block.rows.size, block.cols.size, block.area, rows, cols))
    return table(lines)


def permutation_csv(permutation: Permutation) -> str:
    """Return one line a place: the place, and which row or column of the original stands there."""
    return table([("place", "original"), *enumerate(permutation.order.tolist())])
