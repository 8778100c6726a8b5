"""The product of a toy step by step, as a dense product, a sparse one (CSR) and one by blocks do it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product as pairs
from types import MappingProxyType
from typing import Literal, NamedTuple

from sparselab.analysis.toy import Toy, blocks_of


class ToyStep(NamedTuple):
    """One step at a weight, numbered as in the file: its column number is read, or it is multiplied with its input.

    A block gathers an input once for all its rows: such a "read" stands at the block's first row.
    """

    kind: Literal["read", "multiply"]
    row: int
    column: int


@dataclass(frozen=True)
class ToyCount:
    """What a product costs in steps: multiplications, those of them by a pruned weight (zeros), and column numbers that are read."""

    multiplications: int
    zeros: int
    reads: int

    @property
    def steps(self) -> int:
        """Multiplications + reads, each counted as one step. Steps are no times: on a machine a read may cost far more."""
        return self.multiplications + self.reads


def dense_steps(toy: Toy) -> tuple[ToyStep, ...]:
    """Return a multiplication for every weight, kept or not, row by row as shown: rows x columns of them, and nothing is read."""
    return tuple(ToyStep("multiply", row, col) for row, col in pairs(toy.row_order, toy.column_order))


def csr_steps(toy: Toy) -> tuple[ToyStep, ...]:
    """Return two steps for every kept weight, row by row as shown: its column number is read, then it is multiplied.

    kept reads + kept multiplications, none by zero. Simplified: where rows start (rows + 1 numbers) is not counted.
    """
    kept = [(row, col) for row, col in pairs(toy.row_order, toy.column_order) if toy.mask.kept[row, col]]
    return tuple(ToyStep(kind, row, col) for row, col in kept for kind in ("read", "multiply"))


def block_steps(toy: Toy) -> tuple[ToyStep, ...]:
    """Return the steps of each block of `blocks_of`: its columns are read and their inputs gathered, then all its weights multiplied.

    sum of columns reads + sum of height x columns multiplications over the blocks. Simplified: where blocks start is not counted.
    """
    steps: list[ToyStep] = []
    for block in blocks_of(toy):
        rows, cols = block.rows.tolist(), block.cols.tolist()
        steps += [ToyStep("read", rows[0], col) for col in cols]
        steps += [ToyStep("multiply", row, col) for row, col in pairs(rows, cols)]
    return tuple(steps)


PRODUCTS: Mapping[str, Callable[[Toy], tuple[ToyStep, ...]]] = MappingProxyType(
    {"dense": dense_steps, "csr": csr_steps, "blocks": block_steps}
)
"""The ways to multiply, by name, in the order in which they are shown."""


def count(toy: Toy, method: str) -> ToyCount:
    """Return what the whole product costs with a method of PRODUCTS.

    Example: >>> from sparselab.analysis.toy import sorted_by_groups
             >>> toy = sorted_by_groups(Toy.from_lines(["##..", "..##", "##.#"], groups=((0, 2), (1,))))
             >>> count(toy, "dense").steps, count(toy, "csr").steps, count(toy, "blocks")
             (12, 14, ToyCount(multiplications=8, zeros=1, reads=5))
    """
    return counted(toy, PRODUCTS[method](toy))


def counted(toy: Toy, steps: tuple[ToyStep, ...]) -> ToyCount:
    """Return what some steps of a product cost, such as those done so far."""
    done = [step for step in steps if step.kind == "multiply"]
    zeros = sum(not toy.mask.kept[step.row, step.column] for step in done)
    return ToyCount(len(done), zeros, len(steps) - len(done))


def summed(toy: Toy, steps: tuple[ToyStep, ...]) -> tuple[int, ...]:
    """Return the sums y_i, in the file's order, that some steps have reached: a pruned weight is multiplied as zero."""
    sums = [0] * toy.mask.rows
    for kind, row, col in steps:
        if kind == "multiply" and toy.mask.kept[row, col]:
            sums[row] += toy.weights[row][col] * toy.inputs[col]
    return tuple(sums)
