"""What must hold of every layout, checked on the layout at hand and not assumed."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sparselab.core.layer import FloatMatrix, Layer
from sparselab.core.layout import Layout
from sparselab.core.mask import BoolMatrix
from sparselab.core.permutation import Permutation

TOLERANCE = 1e-5
"""Largest relative error allowed between the product block by block (float32) and the masked dense product (float64)."""

_STRIP = 256


@dataclass(frozen=True)
class Invariant:
    """One law, whether it holds here, and the figures that show it."""

    name: str
    holds: bool
    figure: str


def check_invariants(layout: Layout, layer: Layer) -> tuple[Invariant, ...]:
    """Check that both orders are bijections, that counts add up, and that block by block gives the masked product."""
    before, after = layout.before, layout.after
    covered, dropped, grown = layout.covered.count, layout.dropped.count, layout.grown.count
    area = sum(block.area for block in layout.blocks)
    try:
        error = product_error(layout, layer)
    except (IndexError, ValueError):  # orders or blocks that do not fit the matrix: there is nothing to multiply
        error = math.inf
    return (
        _bijection("row order is a bijection", layout.row_order, before.rows),
        _bijection("column order is a bijection", layout.col_order, before.cols),
        Invariant(
            "before - dropped + grown = after",
            before.count - dropped + grown == after.count,
            f"{before.count:,} - {dropped:,} + {grown:,} = {after.count:,}",
        ),
        Invariant(
            "covered + dropped = before",
            covered + dropped == before.count,
            f"{covered:,} + {dropped:,} = {before.count:,}",
        ),
        Invariant(
            "blocks share no weight and hold all that is kept after",
            not layout.blocks or area == after.count,
            f"area of blocks {area:,}, kept after {after.count:,}" if layout.blocks else "no blocks",
        ),
        Invariant("product block by block = masked product", error <= TOLERANCE, f"relative error {error:.1e}"),
    )


def product_error(layout: Layout, layer: Layer, *, vectors: int = 2) -> float:
    """Return max |blocked - dense| / max |dense| for random normal inputs.

    `blocked` multiplies block by block in float32, rows gathered in `row_order` and put back; `dense` is the product of the
    weight masked by `after`, in float64. A layer without weights gets random ones.
    """
    rng = np.random.default_rng(0)
    rows, cols = layout.before.shape
    weight = layer.weight
    if weight is None:
        # Row i reads one list of normal numbers from place 13 i on: finds a misplaced weight as fresh ones do, for no memory.
        noise = rng.standard_normal(13 * rows + cols, dtype=np.float32)
        weight = np.lib.stride_tricks.sliding_window_view(noise, cols)[::13][:rows]
    inputs = rng.standard_normal((cols, vectors), dtype=np.float32)
    dense = _masked_product(weight, layout.after.kept, inputs.astype(np.float64))
    place = layout.row_order.inverse.order
    reordered = np.zeros((rows, vectors), dtype=np.float32)
    if layout.blocks:
        for block in layout.blocks:
            part = weight[block.rows].take(block.cols, axis=1)
            reordered[place[block.rows]] += part.astype(np.float32, copy=False) @ inputs[block.cols]
    else:
        order, col_order = layout.row_order.order, layout.col_order.order
        kept = layout.after.permuted(order, col_order).kept
        reordered[:] = np.where(kept, weight[np.ix_(order, col_order)], 0).astype(np.float32) @ inputs[col_order]
    blocked = reordered[place]
    return float(np.abs(blocked - dense).max() / max(float(np.abs(dense).max()), 1e-30))


def _masked_product(weight: FloatMatrix, kept: BoolMatrix, inputs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (weight where kept) @ inputs in float64, a strip of rows at a time: the whole would take eight bytes a weight."""
    strips = range(0, len(weight), _STRIP)
    return np.concatenate([(weight[i : i + _STRIP] * kept[i : i + _STRIP]).astype(np.float64) @ inputs for i in strips])


def _bijection(name: str, permutation: Permutation, size: int) -> Invariant:
    order = permutation.order
    distinct = len(np.unique(order[(order >= 0) & (order < size)]))
    return Invariant(name, distinct == len(permutation) == size, f"{distinct:,} distinct of {size:,}")
