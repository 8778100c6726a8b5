"""Blocks and orders as comma separated values that a spreadsheet can open without running anything."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sparselab.layout import Layout
from sparselab.permutation import Permutation

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


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


def table(lines: Iterable[Sequence[object]]) -> str:
    """Return lines of cells as one text."""
    return "".join(",".join(map(cell, line)) + "\n" for line in lines)


def cell(value: object) -> str:
    """Return one cell. Text that a spreadsheet would take for a formula gets a leading apostrophe.

    Example: >>> cell("=cmd()"), cell(-1), cell('a "b", c')
             ("'=cmd()", '-1', '"a ""b"", c"')
    """
    text = str(value)
    if isinstance(value, str) and text.startswith(_FORMULA_STARTS):
        text = "'" + text
    return '"' + text.replace('"', '""') + '"' if any(mark in text for mark in ',"\r\n') else text
