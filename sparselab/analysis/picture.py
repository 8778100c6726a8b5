"""What is drawn of a layout: packed bits in displayed order, and the way back from every pixel to its weight.

A picture is a plain value for `wire`, made here so that the browser only paints. Orders:

    natural     rows and columns as they are
    before      rows and columns as in `reordered`, and the mask before alone: nothing dropped, nothing grown
    reordered   rows group by group, columns by the first group that uses them
    packed      one band a block, its own columns pushed left: what a kernel sees
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from sparselab.core.layout import Layout
from sparselab.core.mask import IntVector, Mask

ORDERS: Mapping[str, str] = MappingProxyType(
    {
        "natural": "Rows and columns as they are in the file.",
        "before": "The mask before, with rows and columns in the order of “by group”: nothing dropped or filled in yet.",
        "reordered": "Rows group by group; columns by the first group that uses them.",
        "packed": "The columns of each block pushed to the left, as a kernel reads them.",
    }
)

_MOST_OUTLINES = 200_000  # beyond this the outlines of blocks are a blur at any zoom, and megabytes to send


def picture_before(mask: Mask, caption: str) -> dict[str, Any]:
    """Return one side: the mask in natural order, nothing laid over it."""
    return _side("before", caption, mask, None, np.arange(mask.rows), [_band(0, mask.rows, np.arange(mask.cols))])


def picture_in_place(before: Mask, after: Mask, label: str, caption: str) -> dict[str, Any]:
    """Return one side: before and after over each other with rows and columns as in the file, without the blocks."""
    return _side(label, caption, before, after, np.arange(before.rows), [_band(0, before.rows, np.arange(before.cols))])


def picture_after(layout: Layout, order: str, caption: str) -> dict[str, Any]:
    """Return one side in `order`: before and after over each other, or before alone. Without blocks, packed is as natural."""
    if order == "packed" and layout.blocks:
        return _packed(layout, caption)
    reordered = order in ("before", "reordered")
    rows = layout.row_order.order if reordered else np.arange(layout.before.rows)
    cols = layout.col_order.order if reordered else np.arange(layout.before.cols)
    before, after = (mask.permuted(rows, cols) if reordered else mask for mask in (layout.before, layout.after))
    bands = [_band(0, len(rows), cols)]
    if order == "before":
        side = _side("reordered", caption, before, None, rows, bands)
    else:
        side = _side("after", caption, before, after, rows, bands)
    if reordered:
        side |= _outlines(layout)
    return side


def _packed(layout: Layout, caption: str) -> dict[str, Any]:
    heights = [block.rows.size for block in layout.blocks]
    starts = np.concatenate([[0], np.cumsum(heights)])
    width = max(block.cols.size for block in layout.blocks)
    before = np.zeros((starts[-1], width), dtype=bool)
    after = np.zeros_like(before)
    bands: list[dict[str, Any]] = []
    rects: list[tuple[int, int, int, int]] = []
    for block, start in zip(layout.blocks, starts.tolist(), strict=False):
        stop, cols = start + block.rows.size, block.cols.size
        before[start:stop, :cols] = layout.before.kept[np.ix_(block.rows, block.cols)]
        after[start:stop, :cols] = True
        bands.append(_band(start, stop, block.cols))
        rects.append((start, stop, 0, cols))
    rows = np.concatenate([block.rows for block in layout.blocks])
    side = _side("after", caption, Mask(before), Mask(after), rows, bands)
    return side | {"rects": np.array(rects, dtype=np.int32), "groups": starts.astype(np.int32)}


def _outlines(layout: Layout) -> dict[str, Any]:
    """Blocks as rectangles of the reordered picture: runs of adjacent rows x runs of adjacent columns."""
    row_place, col_place = layout.row_order.inverse.order, layout.col_order.inverse.order
    rects: list[tuple[int, int, int, int]] = []
    edges = {0, layout.before.rows}
    for block in layout.blocks:
        row_runs, col_runs = _runs(row_place[block.rows]), _runs(col_place[block.cols])
        edges.update(row_runs.reshape(-1).tolist())
        if len(rects) + len(row_runs) * len(col_runs) <= _MOST_OUTLINES:
            rects += [(*rows, *cols) for rows in row_runs.tolist() for cols in col_runs.tolist()]
    return {
        "rects": np.array(sorted(rects), dtype=np.int32).reshape(-1, 4),
        "groups": np.array(sorted(edges), dtype=np.int32),
    }


def _runs(places: IntVector) -> IntVector:
    """Return the runs of adjacent numbers in `places` as half-open (start, stop) pairs."""
    ordered = np.sort(places)
    breaks = np.flatnonzero(np.diff(ordered) > 1)
    starts = ordered[np.concatenate([[0], breaks + 1])]
    stops = ordered[np.concatenate([breaks, [ordered.size - 1]])] + 1
    return np.stack([starts, stops], axis=1)


def _side(
    label: str, caption: str, before: Mask, after: Mask | None, row_index: IntVector, bands: list[dict[str, Any]]
) -> dict[str, Any]:
    return {
        "label": label,
        "caption": caption,
        "height": before.rows,
        "width": before.cols,
        "before": before.packed,
        "after": None if after is None else after.packed,
        "row_index": row_index.astype(np.int32),
        "bands": bands,
        "rects": np.zeros((0, 4), dtype=np.int32),
        "groups": np.zeros(0, dtype=np.int32),
    }


def _band(start: int, stop: int, cols: IntVector) -> dict[str, Any]:
    return {"start": start, "stop": stop, "width": int(cols.size), "cols": cols.astype(np.int32)}
