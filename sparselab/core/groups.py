"""The groups of a convolution: a layer in its parts, layouts of parts as one, and a layout as a block-diagonal one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from sparselab.core.layer import Layer
from sparselab.core.layout import Block, Layout
from sparselab.core.mask import Mask
from sparselab.core.permutation import Permutation

_Matrix = TypeVar("_Matrix", bound=NDArray[Any])


def grouped_in_words(groups: int, rows: int) -> str:
    """Return what is said of a layer whose rows lie in groups.

    Example: >>> grouped_in_words(32, 128)
             'grouped convolution: 32 groups of 4 rows'
    """
    return f"grouped convolution: {groups} groups of {rows // groups} row{'s' * (rows != groups)}"


def separate_in_words(groups: int, rows: int) -> str:
    """Return what follows for blocks where the rows of a layer lie in groups; "" where they do not.

    Example: >>> separate_in_words(2, 4)
             'grouped convolution: 2 groups of 2 rows, which see different inputs: no block reaches from one into the next'
    """
    if groups == 1:
        return ""
    return f"{grouped_in_words(groups, rows)}, which see different inputs: no block reaches from one into the next"


def split_groups(layer: Layer) -> tuple[Layer, ...]:
    """Return the parts of a layer whose rows see different inputs, each an ordinary layer of that many rows.

    Example: >>> [part.mask.shape for part in split_groups(Layer("a", Mask(np.eye(4, dtype=bool)), groups=2))]
             [(2, 4), (2, 4)]
    """
    height = layer.mask.rows // layer.groups

    def part(start: int) -> Layer:
        rows = slice(start, start + height)
        matrices: dict[str, Any] = {
            name: None if (matrix := getattr(layer, name)) is None else matrix[rows]
            for name in ("weight", "rewound", "gradient", "features")
        }
        return replace(layer, mask=Mask(layer.mask.kept[rows]), groups=1, **matrices)

    return tuple(part(start) for start in range(0, layer.mask.rows, height))


def join_groups(parts: Sequence[Layout]) -> Layout:
    """Return the layouts of the parts of a layer, in order, as the layout of the layer.

    With blocks in any part, a part without blocks keeps nothing: no weight lies outside blocks. The order of the columns is
    that of the parts where they agree. Seconds add up; figures are those of one layer and are left out.
    """
    before = _stacked([part.before for part in parts])
    row_order = Permutation(_joined([part.row_order.order for part in parts], [part.before.rows for part in parts]))
    told: dict[str, Any] = {"seconds": _sums(parts), "notes": _notes(parts)}
    if any(part.status == "masked" for part in parts):
        after, reason = _stacked([part.after for part in parts]), next(p.reason for p in parts if p.status == "masked")
        return Layout.masked(before, after, reason=reason, col_order=_common_order(parts), **told)
    starts = np.cumsum([0, *(part.before.rows for part in parts[:-1])])
    blocks = [
        Block(block.rows + start, block.cols)
        for part, start in zip(parts, starts, strict=True)
        for block in part.blocks
    ]
    return Layout.from_blocks(before, blocks, reason=parts[0].reason, row_order=row_order, **told)


def cut_at_groups(layout: Layout, groups: int) -> Layout:
    """Return a layout with the same weights whose blocks reach from no part of the rows into another.

    Example: >>> whole = Layout.from_blocks(Mask(np.ones((4, 1), bool)), [Block(np.arange(1, 4), np.zeros(1, int))], reason="")
             >>> [block.rows.tolist() for block in cut_at_groups(whole, 2).blocks]
             [[1], [2, 3]]
    """
    if groups == 1:
        return layout
    height = layout.before.rows // groups
    return replace(layout, blocks=tuple(part for block in layout.blocks for part in _cut(block, height)))


def block_diagonal(layout: Layout, groups: int) -> Layout:
    """Return the layout of the same product as one matrix out x (groups * n): part after part along the diagonal.

    Column c of part p becomes column p * n + c, in PyTorch's order too: the channels of a group are neighbours.

    Example: >>> grouped = Layout.from_blocks(Mask(np.eye(2, dtype=bool)), [Block(np.array([1]), np.array([1]))], reason="")
             >>> block_diagonal(grouped, 2).after.kept.astype(int).tolist()
             [[0, 0, 0, 0], [0, 0, 0, 1]]
    """
    height, cols = layout.before.rows // groups, layout.before.cols
    cut = (part for block in layout.blocks for part in _cut(block, height))
    blocks = [Block(block.rows, block.cols + block.rows[0] // height * cols) for block in cut]
    before = Mask(diagonal_matrix(layout.before.kept, groups))
    if not blocks and layout.after.count:
        return Layout.masked(before, Mask(diagonal_matrix(layout.after.kept, groups)), reason=layout.reason)
    return Layout.from_blocks(before, blocks, reason=layout.reason)


def diagonal_matrix(matrix: _Matrix, groups: int) -> _Matrix:
    """Return the parts of a matrix (groups of rows) along the diagonal of one of `groups` times the columns, 0 elsewhere."""
    rows, cols = matrix.shape
    spread = np.zeros((groups, rows // groups, groups, cols), matrix.dtype)
    part = np.arange(groups)
    spread[part, :, part] = matrix.reshape(groups, rows // groups, cols)
    return spread.reshape(rows, groups * cols)  # type: ignore[return-value]


def _cut(block: Block, height: int) -> list[Block]:
    parts = block.rows // height
    return [Block(block.rows[parts == part], block.cols) for part in dict.fromkeys(parts.tolist())]


def _stacked(masks: Sequence[Mask]) -> Mask:
    return Mask(np.concatenate([mask.kept for mask in masks]))


def _joined(orders: Sequence[NDArray[np.int64]], sizes: Sequence[int]) -> NDArray[np.int64]:
    starts = np.cumsum([0, *sizes[:-1]])
    return np.concatenate([order + start for order, start in zip(orders, starts, strict=True)])


def _common_order(parts: Sequence[Layout]) -> Permutation | None:
    first = parts[0].col_order
    return first if all(np.array_equal(part.col_order.order, first.order) for part in parts) else None


def _sums(parts: Sequence[Layout]) -> dict[str, float]:
    total: Counter[str] = Counter()
    for part in parts:
        total.update(part.seconds)
    return dict(total)


def _notes(parts: Sequence[Layout]) -> dict[str, str]:
    """What all parts say alike, and of what they say differently, that they do."""
    notes = {"convolution": grouped_in_words(len(parts), sum(part.before.rows for part in parts))}
    for name in dict.fromkeys(name for part in parts for name in part.notes):
        said = {part.notes.get(name, "") for part in parts}
        notes[name] = said.pop() if len(said) == 1 else "differs between the groups of the convolution"
    return notes
