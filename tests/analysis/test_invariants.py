"""The laws hold of whatever Regroup makes, and a broken layout breaks the law that speaks of it."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sparselab.analysis.invariants import TOLERANCE, Invariant, check_invariants, product_error
from sparselab.core.layer import Layer
from sparselab.core.layout import Block, Layout
from sparselab.core.mask import Mask
from sparselab.core.permutation import Permutation
from sparselab.transforms import Regroup
from sparselab.transforms.regroup.rules import RULES
from tests.analysis.test_picture import layouts, scattered_blocks
from tests.strategies import layers

ROWS = "row order is a bijection"
COLS = "column order is a bijection"
COUNTS = "before - dropped + grown = after"
STAYS = "covered + dropped = before"
AREA = "blocks share no weight and hold all that is kept after"
PRODUCT = "product block by block = masked product"


def broken(layout: Layout, layer: Layer) -> dict[str, str]:
    """The laws that do not hold, with their figures."""
    return {law.name: law.figure for law in check_invariants(layout, layer) if not law.holds}


def example(passes: int = 1) -> tuple[Layer, Layout]:
    """A 12 x 10 layer under blocks of rows and columns that are not adjacent."""
    mask = Mask(np.random.default_rng(0).random((12, 10)) < 0.4)
    blocks = scattered_blocks(np.random.default_rng(1), mask.shape, passes)
    return Layer("layer", mask), Layout.from_blocks(mask, blocks, reason="")


def forged(order: list[int]) -> Permutation:
    """A permutation that its constructor would refuse."""
    permutation = object.__new__(Permutation)
    object.__setattr__(permutation, "order", np.array(order, dtype=np.int64))
    return permutation


@pytest.mark.parametrize("rule", RULES)
@settings(max_examples=40)
@given(layer=layers(), grouper=st.sampled_from(["natural", "random"]), height=st.integers(1, 12))
def test_hold_for_every_rule_of_regroup(rule: str, layer: Layer, grouper: str, height: int) -> None:
    regroup = Regroup(rule=rule, grouper=grouper, rows_per_group=height, min_rows=2, min_kept=1, min_cols=1)
    layout = regroup(layer, rng=np.random.default_rng(0), device="cpu")
    assert not broken(layout, layer)


@given(layouts(), st.sampled_from([None, np.float16, np.float32, np.float64]))
def test_hold_for_every_honest_layout_and_type_of_weight(layout: Layout, dtype: type | None) -> None:
    rng = np.random.default_rng(0)
    weight = None if dtype is None else rng.standard_normal(layout.before.shape).astype(dtype)
    laws = check_invariants(layout, Layer("layer", layout.before, weight))
    assert all(law.holds for law in laws)
    assert [law.name for law in laws] == [ROWS, COLS, COUNTS, STAYS, AREA, PRODUCT]
    assert all(law.figure for law in laws)


def test_figures_are_those_of_the_layout() -> None:
    layer, layout = example()
    figures = {law.name: law.figure for law in check_invariants(layout, layer)}
    before, after = layout.before.count, layout.after.count
    covered, dropped, grown = layout.covered.count, layout.dropped.count, layout.grown.count
    assert figures[ROWS] == "12 distinct of 12"
    assert figures[COLS] == "10 distinct of 10"
    assert figures[COUNTS] == f"{before} - {dropped} + {grown} = {after}"
    assert figures[STAYS] == f"{covered} + {dropped} = {before}"
    assert figures[AREA] == f"area of blocks {after}, kept after {after}"
    unblocked = check_invariants(Layout.unchanged(layer.mask, "nothing"), layer)
    assert Invariant(AREA, True, "no blocks") in unblocked


@pytest.mark.parametrize("passes", [1, 3])
def test_a_missing_block(passes: int) -> None:
    layer, layout = example(passes)
    for index in range(len(layout.blocks)):
        rest = layout.blocks[:index] + layout.blocks[index + 1 :]
        area = sum(block.area for block in rest)
        found = broken(replace(layout, blocks=rest), layer)
        assert found.keys() == {AREA, PRODUCT}
        assert found[AREA] == f"area of blocks {area}, kept after {layout.after.count}"


def test_blocks_that_overlap() -> None:
    layer, layout = example()
    twice = Block(layout.blocks[0].rows[:1], layout.blocks[0].cols[:1])
    found = broken(replace(layout, blocks=(*layout.blocks, twice)), layer)
    assert found.keys() == {AREA, PRODUCT}
    assert found[AREA] == f"area of blocks {layout.after.count + 1}, kept after {layout.after.count}"


@pytest.mark.parametrize("kept_before", [True, False])
def test_one_weight_too_many_after(kept_before: bool) -> None:
    layer, layout = example()
    after = layout.after.kept.copy()
    after[tuple(np.argwhere(~after & (layout.before.kept == kept_before))[0])] = True
    found = broken(replace(layout, after=Mask(after)), layer)
    assert found.keys() == {AREA, PRODUCT}
    assert found[AREA] == f"area of blocks {layout.after.count}, kept after {layout.after.count + 1}"


@given(st.integers(0, 2**32 - 1))
def test_any_weight_that_moved_shows_in_the_product(seed: int) -> None:
    """Counts cannot see it: as many weights, one of them elsewhere."""
    layer, layout = example()
    rng = np.random.default_rng(seed)
    after = layout.after.kept.copy()
    gone, come = rng.choice(np.argwhere(after)), rng.choice(np.argwhere(~after))
    after[tuple(gone)], after[tuple(come)] = False, True
    found = broken(replace(layout, after=Mask(after)), layer)
    assert found.keys() == {PRODUCT}
    assert float(found[PRODUCT].removeprefix("relative error ")) > TOLERANCE


def test_another_order_breaks_no_law() -> None:
    layer, layout = example()
    order = np.random.default_rng(5).permutation(12)
    assert not broken(replace(layout, row_order=Permutation(order)), layer)


@pytest.mark.parametrize(
    ("order", "figure"),
    [
        ([*range(11)], "11 distinct of 12"),
        ([*range(13)], "12 distinct of 12"),
        ([0, *range(11)], "11 distinct of 12"),
        ([*range(11), 99], "11 distinct of 12"),
        ([*range(11), -1], "11 distinct of 12"),
    ],
)
def test_a_row_order_that_is_none(order: list[int], figure: str) -> None:
    for layer, layout in (example(), (example()[0], Layout.unchanged(example()[0].mask, "nothing"))):
        found = broken(replace(layout, row_order=forged(order)), layer)
        assert found[ROWS] == figure
        assert found.keys() <= {ROWS, PRODUCT}


def test_a_column_order_that_is_none() -> None:
    layer, layout = example()
    for order in ([*range(9)], [0, *range(9)], [*range(9), 10]):
        assert broken(replace(layout, col_order=forged(order)), layer).keys() == {COLS}
        nothing = Layout.unchanged(layer.mask, "nothing")
        assert COLS in broken(replace(nothing, col_order=forged(order)), layer)


def test_a_block_that_reaches_outside() -> None:
    layer, layout = example()
    first, *rest = layout.blocks
    outside = Block(np.append(first.rows[1:], 12), first.cols)
    found = broken(replace(layout, blocks=(outside, *rest)), layer)
    assert found == {PRODUCT: "relative error inf"}


def test_counts_that_do_not_add_up() -> None:
    layer, layout = example()
    for name, law in (("grown", COUNTS), ("covered", STAYS)):
        liar = replace(layout)
        liar.__dict__[name] = Mask(np.zeros(layout.before.shape, bool))
        assert broken(liar, layer).keys() == {law}


def test_the_product_is_exact_where_nothing_is_kept() -> None:
    layer = Layer("layer", Mask(np.zeros((3, 4), bool)), np.ones((3, 4), np.float32))
    assert product_error(Layout.unchanged(layer.mask, "nothing"), layer) == 0
    zeros = Layer("layer", Mask(np.ones((3, 4), bool)), np.zeros((3, 4), np.float32))
    assert product_error(Layout.unchanged(zeros.mask, "nothing"), zeros) == 0


def test_the_product_counts_every_row_of_later_passes() -> None:
    """Rows that lie in several blocks add up: against each weight on its own."""
    layer, layout = example(3)
    assert sum(block.rows.size for block in layout.blocks) > 12
    error = product_error(layout, layer, vectors=5)
    assert math.isfinite(error)
    assert error <= TOLERANCE
