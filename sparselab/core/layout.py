"""What a transform made of a layer: dense blocks, the orders that show them, and what became of every weight."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any, Literal

import numpy as np

from sparselab.core.errors import SparselabError
from sparselab.core.mask import IntVector, Mask
from sparselab.core.permutation import Permutation, frozen_indices

Status = Literal["blocked", "unblocked", "masked", "dense"]

_CUT_SHORT = frozenset({"seconds", "cancel"})


@dataclass(frozen=True, eq=False)
class Block:
    """A dense submatrix: every weight at a row of `rows` and a column of `cols`. Neither needs to be adjacent.

    Example: >>> Block(np.array([0, 2]), np.arange(3)).area
             6
    """

    rows: IntVector
    cols: IntVector

    def __post_init__(self) -> None:
        object.__setattr__(self, "rows", frozen_indices(self.rows))
        object.__setattr__(self, "cols", frozen_indices(self.cols))

    @property
    def area(self) -> int:
        """Number of weights in the block."""
        return self.rows.size * self.cols.size

    def __eq__(self, other: object) -> bool:
        same = isinstance(other, Block)
        return same and np.array_equal(self.rows, other.rows) and np.array_equal(self.cols, other.cols)  # type: ignore[attr-defined]

    def __hash__(self) -> int:
        return hash((self.rows.tobytes(), self.cols.tobytes()))

    def __repr__(self) -> str:
        return f"Block({self.rows.size} rows x {self.cols.size} columns)"


@dataclass(frozen=True, eq=False)
class Layout:
    """What a transform made of a layer.

    `after` is the new mask. With status "blocked" it is exactly the union of `blocks`, no two of which share a weight;
    a row may lie in blocks of several groups. "unblocked": nothing was found, `after` is `before`, and `reason` says
    why. "masked": weights were chosen, but not in blocks (pruning, N:M), as `reason` says. "dense": the layer keeps every
    weight. `row_order` lists the rows group by group, `col_order` the columns by the first group that uses them. `seconds`
    per stage; `notes` are facts for the reader, such as what ended a search; `figures` are numbers of the report that only
    the transform knows, under the report's names.
    """

    before: Mask
    after: Mask
    blocks: tuple[Block, ...]
    row_order: Permutation
    col_order: Permutation
    status: Status
    reason: str = ""
    seconds: Mapping[str, float] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)
    figures: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("seconds", "notes", "figures"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))

    @classmethod
    def from_blocks(
        cls,
        before: Mask,
        blocks: Sequence[Block],
        *,
        reason: str,
        row_order: Permutation | None = None,
        seconds: Mapping[str, float] | None = None,
        notes: Mapping[str, str] | None = None,
    ) -> Layout:
        """Lay `blocks` over `before`; without any block the mask stays as it was and `reason` says why.

        Raises: SparselabError when a block reaches outside the mask, or two blocks share a weight.
        Example: >>> block = Block(np.array([0, 1]), np.array([0, 2]))
                 >>> Layout.from_blocks(Mask(np.eye(3, dtype=bool)), [block], reason="").after.count
                 4
        """
        blocks = tuple(block for block in blocks if block.area)
        if not blocks:
            return cls.unchanged(before, reason, row_order=row_order, seconds=seconds, notes=notes)
        after = paint(blocks, before.shape)
        status: Status = "dense" if after.count == after.kept.size else "blocked"
        return cls(
            before,
            after,
            blocks,
            row_order or order_rows(blocks, before.rows),
            order_cols(blocks, before.cols),
            status,
            "" if status == "blocked" else "the blocks cover the whole layer",
            seconds or {},
            notes or {},
        )

    @classmethod
    def unchanged(
        cls,
        before: Mask,
        reason: str,
        *,
        row_order: Permutation | None = None,
        seconds: Mapping[str, float] | None = None,
        notes: Mapping[str, str] | None = None,
    ) -> Layout:
        """Leave the mask as it was, and say why."""
        row_order = row_order or Permutation.identity(before.rows)
        col_order = Permutation.identity(before.cols)
        return cls(before, before, (), row_order, col_order, "unblocked", reason, seconds or {}, notes or {})

    @classmethod
    def masked(
        cls,
        before: Mask,
        after: Mask,
        *,
        reason: str,
        col_order: Permutation | None = None,
        seconds: Mapping[str, float] | None = None,
        notes: Mapping[str, str] | None = None,
        figures: Mapping[str, float] | None = None,
    ) -> Layout:
        """Take `after` as the new mask, without blocks; `reason` says why there are none. A full one is dense: one block."""
        row_order = Permutation.identity(before.rows)
        col_order = col_order or Permutation.identity(before.cols)
        whole = after.count == after.kept.size
        blocks = (Block(np.arange(before.rows), np.arange(before.cols)),) if whole else ()
        status, reason = ("dense", "every weight is kept") if whole else ("masked", reason)
        told = seconds or {}, notes or {}, figures or {}
        return cls(before, after, blocks, row_order, col_order, status, reason, *told)  # type: ignore[arg-type]

    @cached_property
    def covered(self) -> Mask:
        """Kept before and after."""
        return self.before & self.after

    @cached_property
    def dropped(self) -> Mask:
        """Kept before, not after."""
        return self.before - self.after

    @cached_property
    def grown(self) -> Mask:
        """Kept after, not before."""
        return self.after - self.before

    @property
    def residual(self) -> Mask:
        """Kept weights that lie in no block; where blocks were found, that is what was dropped."""
        return self.dropped if self.blocks else self.before

    @property
    def fill_in(self) -> Mask:
        """Weights inside blocks that were not kept before."""
        return self.grown

    @property
    def is_cut_short(self) -> bool:
        """Whether a clock or a cancel ended a search, as its note says, so that another run may come to another layout."""
        return not _CUT_SHORT.isdisjoint(self.notes.values())

    def pack(self) -> dict[str, Any]:
        """Return plain values and arrays that `wire` can carry; `unpack` turns them back."""
        return {
            "before": self.before.packed,
            "after": self.after.packed if self.status == "masked" else None,
            "shape": list(self.before.shape),
            "block_rows": _concatenate(block.rows for block in self.blocks),
            "block_cols": _concatenate(block.cols for block in self.blocks),
            "block_shapes": np.array([(b.rows.size, b.cols.size) for b in self.blocks], dtype=np.int64).reshape(-1, 2),
            "row_order": self.row_order.order,
            "col_order": self.col_order.order,
            "status": self.status,
            "reason": self.reason,
            "seconds": dict(self.seconds),
            "notes": dict(self.notes),
            "figures": dict(self.figures),
        }

    def __reduce__(self) -> tuple[Any, ...]:
        return Layout.unpack, (self.pack(),)

    @classmethod
    def unpack(cls, packed: Mapping[str, Any]) -> Layout:
        """Return the layout that `pack` described. Raises: SparselabError when the parts do not fit together."""
        rows, cols = packed["shape"]
        before = Mask.from_packed(packed["before"], (rows, cols))
        shapes = packed["block_shapes"]
        block_rows = np.split(packed["block_rows"], np.cumsum(shapes[:, 0])[:-1]) if len(shapes) else []
        block_cols = np.split(packed["block_cols"], np.cumsum(shapes[:, 1])[:-1]) if len(shapes) else []
        blocks = tuple(Block(r, c) for r, c in zip(block_rows, block_cols, strict=True))
        after = paint(blocks, before.shape) if blocks else before
        if packed["after"] is not None:
            after = Mask.from_packed(packed["after"], (rows, cols))
        row_order, col_order = Permutation(packed["row_order"]), Permutation(packed["col_order"])
        told = [packed[name] for name in ("status", "reason", "seconds", "notes", "figures")]
        return cls(before, after, blocks, row_order, col_order, *told)


def paint(blocks: Sequence[Block], shape: tuple[int, int]) -> Mask:
    """Return the union of `blocks` as a mask.

    Raises: SparselabError when a block reaches outside `shape`, repeats a row or column, or shares a weight with another.
    Example: >>> paint([Block(np.array([0]), np.array([1, 2]))], (2, 3)).kept.astype(int).tolist()
             [[0, 1, 1], [0, 0, 0]]
    """
    kept = np.zeros(shape, dtype=bool)
    for block in blocks:
        for indices, size in ((block.rows, shape[0]), (block.cols, shape[1])):
            if indices.size and (indices.min() < 0 or indices.max() >= size):
                raise SparselabError(
                    f"expected block indices in 0 .. {size - 1}; got {indices.min()} .. {indices.max()}"
                )
        kept[np.ix_(block.rows, block.cols)] = True
    union = Mask._adopt(kept)
    area = sum(block.area for block in blocks)
    if union.count != area:
        raise SparselabError(f"expected blocks that share no weight; {area - union.count} weights lie in more than one")
    return union


def order_rows(blocks: Iterable[Block], rows: int) -> Permutation:
    """Rows in the order in which blocks first use them, then the unused ones.

    Example: >>> order_rows([Block(np.array([2, 0]), np.array([0]))], 4).order.tolist()
             [2, 0, 1, 3]
    """
    return _first_use((block.rows for block in blocks), rows)


def order_cols(blocks: Iterable[Block], cols: int) -> Permutation:
    """Columns in the order in which blocks first use them, then the unused ones."""
    return _first_use((block.cols for block in blocks), cols)


def _first_use(used: Iterable[IntVector], size: int) -> Permutation:
    sequence = np.concatenate([*used, np.arange(size)])
    _, first = np.unique(sequence, return_index=True)
    return Permutation(sequence[np.sort(first)])


def _concatenate(parts: Iterable[IntVector]) -> IntVector:
    return np.concatenate([np.zeros(0, dtype=np.int64), *parts])
