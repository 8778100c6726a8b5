"""What a toy counts: each way of multiplying gives one answer, and costs what its formula says."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparselab.analysis.similarity import jaccard_similarity
from sparselab.analysis.toy import (
    MOST_COLS,
    MOST_ROWS,
    Toy,
    ToyState,
    after,
    blocks_of,
    either_columns,
    jaccard,
    permuted_product,
    product,
    shared_columns,
    sorted_by_groups,
)
from sparselab.analysis.toy_steps import PRODUCTS, count, summed
from sparselab.core.errors import SparselabError
from sparselab.core.mask import Mask
from tests.toys import states, toys

PAPER = Toy.from_lines([".#.#..#.#..#", ".#.##..#..##"])


@given(toys())
def test_the_permuted_product_is_the_product_in_another_order(toy: Toy) -> None:
    whole = product(toy)
    assert permuted_product(toy) == tuple(whole[row] for row in toy.row_order)


@pytest.mark.parametrize("name", PRODUCTS)
@given(toy=toys())
def test_every_way_of_multiplying_gives_the_same_answer(name: str, toy: Toy) -> None:
    if name == "blocks" and not toy.groups:
        assert not PRODUCTS[name](toy)
    else:
        assert summed(toy, PRODUCTS[name](toy)) == product(toy)


@given(toys())
def test_costs_are_what_the_formulas_say(toy: Toy) -> None:
    rows, cols = toy.mask.shape
    dense, csr, blocks = (count(toy, name) for name in PRODUCTS)
    assert (dense.multiplications, dense.reads, dense.zeros) == (rows * cols, 0, rows * cols - toy.mask.count)
    assert (csr.multiplications, csr.reads, csr.zeros) == (toy.mask.count, toy.mask.count, 0)
    drawn = blocks_of(toy)
    assert blocks.multiplications == sum(block.rows.size * block.cols.size for block in drawn)
    assert blocks.reads == sum(block.cols.size for block in drawn)
    assert blocks.zeros == (blocks.multiplications - toy.mask.count if toy.groups else 0)
    for name, steps in PRODUCTS.items():
        assert count(toy, name).steps == len(steps(toy))


@given(toys())
def test_in_their_order_the_blocks_are_the_groups(toy: Toy) -> None:
    by_groups = sorted_by_groups(toy)
    assert tuple(tuple(block.rows.tolist()) for block in blocks_of(by_groups)) == toy.groups
    assert product(by_groups) == product(toy)
    assert sorted_by_groups(by_groups) == by_groups


@given(toys(), st.data())
def test_jaccard_is_symmetric_exact_and_what_the_engine_rounds(toy: Toy, data: st.DataObject) -> None:
    row = st.integers(0, toy.mask.rows - 1)
    one, other = data.draw(row), data.draw(row)
    assert jaccard(toy, one, other) == jaccard(toy, other, one)
    assert jaccard(toy, one, one) == 1
    assert set(shared_columns(toy, one, other)) <= set(either_columns(toy, one, other))
    assert np.float32(jaccard(toy, one, other)) == jaccard_similarity(toy.mask, device="cpu")[one, other]


def test_the_two_kernels_of_the_papers_figure_share_three_of_eight_columns() -> None:
    assert len(shared_columns(PAPER, 0, 1)) == 3
    assert len(either_columns(PAPER, 0, 1)) == 8
    assert jaccard(PAPER, 0, 1) == Fraction(3, 8)


@given(toys(), st.data())
def test_what_is_done_twice_is_undone_and_the_toy_itself_stays(toy: Toy, data: st.DataObject) -> None:
    state = data.draw(states(toy))
    done = after(toy, state)
    assert np.count_nonzero(done.mask.kept != toy.mask.kept) == len(state.toggled)
    assert (done.row_order, done.column_order, done.pair) == (state.row_order, state.column_order, state.pair)
    back = after(done, replace(ToyState.of(toy), toggled=state.toggled))
    assert back == toy
    assert after(toy, ToyState.of(toy)) == toy


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"mask": Mask(np.ones((MOST_ROWS + 1, 2), bool))}, "16 x 24"),
        ({"mask": Mask(np.ones((2, MOST_COLS + 1), bool))}, "16 x 24"),
        ({"mode": "play"}, "mode"),
        ({"weights": ((1, 2),)}, "weights"),
        ({"weights": ((1, 0), (1, 1))}, "weights"),
        ({"weights": ((1, 10), (1, 1))}, "weights"),
        ({"inputs": (1,)}, "inputs"),
        ({"inputs": (1, -1)}, "inputs"),
        ({"groups": ((0,),)}, "groups"),
        ({"groups": ((0, 1), (1,))}, "groups"),
        ({"groups": ((0, 1), ())}, "groups"),
        ({"row_order": (0, 0)}, "row_order"),
        ({"column_order": (1,)}, "column_order"),
        ({"pair": (0, 2)}, "pair"),
    ],
)
def test_what_fits_no_toy_is_refused_by_its_name(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(SparselabError, match=said):
        Toy(**{"mask": Mask(np.ones((2, 2), bool)), **wrong})


@pytest.mark.parametrize("lines", [[], [""], ["##", "#"], ["#x"]])
def test_a_drawing_of_other_signs_or_lengths_is_refused(lines: list[str]) -> None:
    with pytest.raises(SparselabError, match="expected"):
        Toy.from_lines(lines)


def test_a_state_of_a_larger_toy_is_refused() -> None:
    with pytest.raises(SparselabError, match="toggled"):
        after(PAPER, replace(ToyState.of(PAPER), toggled=((2, 0),)))
    with pytest.raises(SparselabError, match="row_order"):
        after(PAPER, replace(ToyState.of(PAPER), row_order=(0, 1, 2)))
