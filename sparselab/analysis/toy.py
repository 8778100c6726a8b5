"""The toy: a layer of a few rows in which every weight is seen, and what a learner can do to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal, get_args

import numpy as np

from sparselab.core.errors import SparselabError
from sparselab.core.layout import Block, order_cols
from sparselab.core.mask import Mask
from sparselab.core.permutation import Permutation

MOST_ROWS, MOST_COLS = 16, 24
LARGEST_NUMBER = 9
"""Weights and inputs are whole numbers of one digit, so that every product is exact and can be followed in one's head."""

Mode = Literal["count", "rows", "pair", "toggle"]


@dataclass(frozen=True, kw_only=True)
class Toy:
    """A small layer with whole-number weights, and how it is shown.

    mask: which weights are kept, at most 16 x 24. mode: what can be done. "count" plays the product step by step, "rows" moves
    rows and columns, "pair" compares two rows, "toggle" keeps or prunes single weights.
    weights: rows x columns of -9 .. 9, none 0, also where nothing is kept (a learner may keep it); inputs: a number of 0 .. 9 for every
    column. Both are made up where none are given. groups: the rows of each group, each row in one of them; () shows no blocks.
    row_order, column_order: which row or column stands at each place; () is the file's order. pair: the two rows compared.
    Raises: SparselabError where one of them does not fit the mask.
    Example: >>> toy = Toy.from_lines(["##..", "..##", "##.#"], groups=((0, 2), (1,)))
             >>> toy.mask.count, toy.row_order, toy.weights[0]
             (7, (0, 1, 2), (1, 6, 2, 7))
    """

    mask: Mask
    mode: Mode = "toggle"
    weights: tuple[tuple[int, ...], ...] = ()
    inputs: tuple[int, ...] = ()
    groups: tuple[tuple[int, ...], ...] = ()
    row_order: tuple[int, ...] = ()
    column_order: tuple[int, ...] = ()
    pair: tuple[int, int] | None = None

    @classmethod
    def from_lines(
        cls,
        lines: Sequence[str],
        *,
        mode: Mode = "toggle",
        groups: tuple[tuple[int, ...], ...] = (),
        pair: tuple[int, int] | None = None,
    ) -> Toy:
        """Return a toy whose mask is drawn: a line a row, "#" a kept weight, "." a pruned one.

        Raises: SparselabError for other signs and for lines of different lengths.
        """
        if not lines or len(set(map(len, lines))) > 1 or set("".join(lines)) - {"#", "."}:
            raise SparselabError(f'expected lines of one length, of "#" (kept) and "." (pruned); got {list(lines)!r}')
        kept = np.array([[sign == "#" for sign in line] for line in lines]).reshape(len(lines), -1)
        return cls(mask=Mask(kept), mode=mode, groups=groups, pair=pair)

    def __post_init__(self) -> None:
        rows, cols = self.mask.shape
        if rows > MOST_ROWS or cols > MOST_COLS:
            raise SparselabError(f"toy: expected at most {MOST_ROWS} x {MOST_COLS} weights; got {rows} x {cols}")
        if self.mode not in get_args(Mode):
            raise SparselabError(f"mode: expected one of {', '.join(get_args(Mode))}; got {self.mode!r}")
        usual = tuple(
            tuple(1 + (5 * col + 7 * row // 3 + row * col) % LARGEST_NUMBER for col in range(cols))
            for row in range(rows)
        )
        self._fill("weights", usual)
        self._fill("inputs", tuple(1 + (2 * col) % 5 for col in range(cols)))
        self._fill("row_order", tuple(range(rows)))
        self._fill("column_order", tuple(range(cols)))
        if [len(line) for line in self.weights] != [cols] * rows or not all(map(_is_weight, sum(self.weights, ()))):
            raise SparselabError(f"weights: expected {rows} x {cols} whole numbers of -9 .. 9, none 0")
        if len(self.inputs) != cols or not all(0 <= number <= LARGEST_NUMBER for number in self.inputs):
            raise SparselabError(f"inputs: expected {cols} whole numbers of 0 .. 9; got {self.inputs}")
        _check_order("row_order", self.row_order, rows)
        _check_order("column_order", self.column_order, cols)
        if self.groups and (sorted(sum(self.groups, ())) != list(range(rows)) or not all(self.groups)):
            raise SparselabError(f"groups: expected each of the rows 0 .. {rows - 1} in one group; got {self.groups}")
        if self.pair is not None and (len(self.pair) != 2 or not all(0 <= row < rows for row in self.pair)):
            raise SparselabError(f"pair: expected two rows of 0 .. {rows - 1}; got {self.pair}")

    def _fill(self, name: str, usual: tuple[object, ...]) -> None:
        object.__setattr__(self, name, getattr(self, name) or usual)


def _is_weight(number: int) -> bool:
    return 0 < abs(number) <= LARGEST_NUMBER


def _check_order(name: str, order: tuple[int, ...], size: int) -> None:
    if sorted(order) != list(range(size)):
        raise SparselabError(f"{name}: expected each of 0 .. {size - 1} once; got {order}")


@dataclass(frozen=True, kw_only=True)
class ToyState:
    """What a learner has made of a toy so far: nothing of it changes the toy itself.

    toggled: cells (row, column) whose weight was kept and is pruned now, or the other way round, in order. row_order, column_order:
    which row or column stands at each place. pair: the two rows compared. step: of the product, from 0 (nothing done yet).
    """

    toggled: tuple[tuple[int, int], ...] = ()
    row_order: tuple[int, ...]
    column_order: tuple[int, ...]
    pair: tuple[int, int] | None = None
    step: int = 0

    @classmethod
    def of(cls, toy: Toy) -> ToyState:
        """Return the state in which a toy is shown first."""
        return cls(row_order=toy.row_order, column_order=toy.column_order, pair=toy.pair)


def after(toy: Toy, state: ToyState) -> Toy:
    """Return the toy as a learner has left it.

    Raises: SparselabError where the state belongs to a toy of another size.
    Example: >>> toy = Toy.from_lines(["#.", ".#"])
             >>> left = ToyState(toggled=((0, 1),), row_order=(1, 0), column_order=(0, 1))
             >>> after(toy, left).mask.kept.astype(int).tolist(), after(toy, left).row_order
             ([[1, 1], [0, 1]], (1, 0))
    """
    rows, cols = toy.mask.shape
    if not all(0 <= row < rows and 0 <= col < cols for row, col in state.toggled):
        raise SparselabError(f"toggled: expected cells of a {rows} x {cols} toy; got {state.toggled}")
    if state.step < 0:
        raise SparselabError(f"step: expected 0 or more; got {state.step}")
    kept = toy.mask.kept.copy()
    for row, col in state.toggled:
        kept[row, col] = not kept[row, col]
    return replace(toy, mask=Mask(kept), row_order=state.row_order, column_order=state.column_order, pair=state.pair)


def sorted_by_groups(toy: Toy) -> Toy:
    """Return the toy in the order of its groups: rows group by group, columns by the first group that uses them.

    Example: >>> toy = sorted_by_groups(Toy.from_lines([".#", "#.", ".#"], groups=((0, 2), (1,))))
             >>> toy.row_order, toy.column_order
             ((0, 2, 1), (1, 0))
    """
    if not toy.groups:
        return toy
    by_rows = replace(toy, row_order=sum(toy.groups, ()), column_order=tuple(range(toy.mask.cols)))
    columns = order_cols(blocks_of(by_rows), toy.mask.cols).order
    return replace(by_rows, column_order=tuple(columns.tolist()))


def blocks_of(toy: Toy) -> tuple[Block, ...]:
    """Return the blocks: the row order cut into runs as long as the groups, each with every column that one of its rows keeps.

    In the order of `sorted_by_groups` the runs are the groups themselves; in another they are what a learner has put together.
    A block's rows and columns are numbered as in the file and listed as they are shown.
    Example: >>> toy = Toy.from_lines(["##..", "..##", "##.#"], groups=((0, 2), (1,)))
             >>> [(block.rows.tolist(), block.cols.tolist()) for block in blocks_of(sorted_by_groups(toy))]
             [([0, 2], [0, 1, 3]), ([1], [3, 2])]
    """
    blocks, start = [], 0
    for height in map(len, toy.groups):
        rows = toy.row_order[start : start + height]
        used = set(np.flatnonzero(toy.mask.permuted(rows=rows).kept.any(axis=0)).tolist())
        blocks.append(Block(np.array(rows), np.array([col for col in toy.column_order if col in used], dtype=np.int64)))
        start += height
    return tuple(blocks)


def shared_columns(toy: Toy, one: int, other: int) -> tuple[int, ...]:
    """Return the columns that two rows both keep, |A & B| of them, as numbered in the file.

    Example: >>> shared_columns(Toy.from_lines(["###.", ".###"]), 0, 1)
             (1, 2)
    """
    return tuple(np.flatnonzero(toy.mask.kept[one] & toy.mask.kept[other]).tolist())


def either_columns(toy: Toy, one: int, other: int) -> tuple[int, ...]:
    """Return the columns that at least one of two rows keeps, |A | B| of them, as numbered in the file."""
    return tuple(np.flatnonzero(toy.mask.kept[one] | toy.mask.kept[other]).tolist())


def jaccard(toy: Toy, one: int, other: int) -> Fraction:
    """Return |A & B| / |A | B| of the columns that two rows keep, exactly; two rows that keep nothing are alike (1).

    Source: Structure-LTH, Sec. 3.3. `analysis.similarity.jaccard_similarity` rounds the same to float32.
    Example: >>> jaccard(Toy.from_lines(["###.", ".###"]), 0, 1)
             Fraction(1, 2)
    """
    either = len(either_columns(toy, one, other))
    return Fraction(len(shared_columns(toy, one, other)), either) if either else Fraction(1)


def product(toy: Toy) -> tuple[int, ...]:
    """Return y = W x in the file's order: y_i = sum of W[i, j] x_j over the columns j that row i keeps. Whole numbers, exact.

    Example: >>> product(Toy.from_lines(["##", ".#"]))
             (19, 27)
    """
    kept = np.where(toy.mask.kept, np.array(toy.weights), 0)
    return tuple((kept @ np.array(toy.inputs)).tolist())


def permuted_product(toy: Toy) -> tuple[int, ...]:
    """Return y' = W' x' of the weights and inputs as they are shown: W'[i, j] = W[row_order[i], column_order[j]], x' likewise.

    y'_i is y at row_order[i]: the same numbers in another order.
    Example: >>> from dataclasses import replace
             >>> permuted_product(replace(Toy.from_lines(["##", ".#"]), row_order=(1, 0), column_order=(1, 0)))
             (27, 19)
    """
    rows, cols = Permutation(np.array(toy.row_order)).order, Permutation(np.array(toy.column_order)).order
    kept = np.where(toy.mask.kept, np.array(toy.weights), 0)[np.ix_(rows, cols)]
    return tuple((kept @ np.array(toy.inputs)[cols]).tolist())
