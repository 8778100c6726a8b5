"""The panels of a layout as tiles of one size, packed for a kernel whose programs own a tile each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparselab.core.layer import FloatMatrix
from sparselab.core.mask import IntVector
from sparselab.kernels.support.panels import Panel


@dataclass(frozen=True, eq=False, kw_only=True)
class Tiles:
    """Tiles of block_m rows whose columns come in blocks of block_k; no row lies in two of them.

    first: tiles + 1; tile t owns the k-blocks first[t] .. first[t + 1], none where its rows are all zero.
    rows: tiles x block_m, -1 where a tile has fewer rows.
    cols: k-blocks x block_k; a last block that is not full repeats its last column, against weights of 0.
    weight: k-blocks x block_m x block_k.
    """

    first: NDArray[np.int32]
    rows: NDArray[np.int32]
    cols: NDArray[np.int64]
    weight: NDArray[np.floating[Any]]

    @property
    def count(self) -> int:
        return len(self.rows)


def joined(panels: Sequence[Panel]) -> list[Panel]:
    """Return the panels with those of equal columns made one: higher panels re-read X less."""
    by_cols: dict[bytes, list[Panel]] = {}
    for panel in panels:
        by_cols.setdefault(panel.cols.tobytes(), []).append(panel)
    return [Panel(np.concatenate([p.rows for p in same]), same[0].cols) for same in by_cols.values()]


def passes(panels: Sequence[Panel], rows: int) -> list[list[Panel]]:
    """Deal panels into passes in which no row repeats; the first also gets the rows of no other panel there, without columns.

    A pass after the first adds to what was written before it, in this order whatever the device does.
    """
    dealt: list[tuple[NDArray[np.bool_], list[Panel]]] = [(np.zeros(rows, dtype=bool), [])]
    for panel in panels:
        free = next((p for p in dealt if not p[0][panel.rows].any()), None)
        if free is None:
            free = np.zeros(rows, dtype=bool), []
            dealt.append(free)
        free[0][panel.rows] = True
        free[1].append(panel)
    taken, at_once = dealt[0]
    left = np.flatnonzero(~taken)
    if left.size:
        at_once.append(Panel(left, np.zeros(0, dtype=np.int64)))
    return [part for _, part in dealt]


def tiles(panels: Sequence[Panel], weight: FloatMatrix, block_m: int, block_k: int) -> Tiles:
    """Cut panels, none of which share a row, into tiles; those with most columns first, so that the longest start first."""
    cut = [
        (panel.rows[start : start + block_m], panel.cols)
        for panel in panels
        for start in range(0, panel.rows.size, block_m)
    ]
    cut.sort(key=lambda tile: -tile[1].size)
    lengths = [-(-cols.size // block_k) for _, cols in cut]
    rows = np.full((len(cut), block_m), -1, dtype=np.int32)
    all_cols, all_weights = [np.zeros((0, block_k), dtype=np.int64)], [np.zeros((0, block_m, block_k), weight.dtype)]
    for tile, ((own, cols), length) in enumerate(zip(cut, lengths, strict=True)):
        rows[tile, : own.size] = own
        if length:
            all_cols.append(_repeat_last(cols, length * block_k).reshape(length, block_k))
            values = np.zeros((block_m, length * block_k), dtype=weight.dtype)
            values[: own.size, : cols.size] = weight[np.ix_(own, cols)]
            all_weights.append(values.reshape(block_m, length, block_k).transpose(1, 0, 2))
    first = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    return Tiles(first=first, rows=rows, cols=np.concatenate(all_cols), weight=np.concatenate(all_weights))


def _repeat_last(cols: IntVector, size: int) -> IntVector:
    return np.concatenate([cols, np.full(size - cols.size, cols[-1])])
