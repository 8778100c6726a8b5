"""The blocks of a layout as panels: all columns of one set of rows side by side, one product each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sparselab.core.layout import Layout
from sparselab.core.mask import IntVector


@dataclass(frozen=True, eq=False)
class Panel:
    """Rows that share a list of columns: Y[rows] += W[rows, cols] X[cols]."""

    rows: IntVector
    cols: IntVector


def panels(layout: Layout) -> tuple[Panel, ...]:
    """Return the panels of a layout: blocks of equal sets of rows joined, columns ascending, in order of first use.

    A row may lie in several panels, whose products add up; no weight does, because no two blocks share one.
    """
    by_rows: dict[bytes, tuple[IntVector, list[IntVector]]] = {}
    for block in layout.blocks:
        rows = np.sort(block.rows)
        by_rows.setdefault(rows.tobytes(), (rows, []))[1].append(block.cols)
    return tuple(Panel(rows, np.sort(np.concatenate(cols))) for rows, cols in by_rows.values())


def panel_places(parts: Sequence[Panel]) -> tuple[IntVector, IntVector]:
    """Return row and column of every weight: panel after panel, within a panel row after row."""
    none = np.zeros(0, np.int64)
    return (
        np.concatenate([none, *(np.repeat(part.rows, part.cols.size) for part in parts)]),
        np.concatenate([none, *(np.tile(part.cols, part.rows.size) for part in parts)]),
    )


def share_rows(parts: Sequence[Panel]) -> bool:
    """Return whether some row lies in more than one panel, so that products must be added up."""
    rows = np.concatenate([np.zeros(0, np.int64), *(part.rows for part in parts)])
    return bool(np.unique(rows).size < rows.size)


def blocks_unsupported_reason(layout: Layout) -> str:
    """Return why a kernel that runs blocks cannot run this layout; "" when the blocks hold every kept weight."""
    if layout.blocks or not layout.after.count:
        return ""
    return f"the layout has no blocks: {layout.reason or 'its weights lie anywhere'}"
