"""Panels cut into tiles: every weight once, no row twice in a pass."""

from __future__ import annotations

import numpy as np
import pytest

from sparselab.core.layout import Block, Layout
from sparselab.core.mask import Mask
from sparselab.kernels.support.panels import Panel, panels
from sparselab.kernels.triton_blocks.tiles import joined, passes, tiles
from tests.kernels.random_layers import TRAITS, random_layout


def layouts(count: int = 120) -> list[Layout]:
    rng = np.random.default_rng(0)
    return [
        random_layout(rng, TRAITS[seed % len(TRAITS)], int(rng.integers(1, 60)), int(rng.integers(1, 60)))
        for seed in range(count)
    ]


@pytest.mark.parametrize(("block_m", "block_k"), [(16, 16), (32, 16), (16, 64)])
def test_the_tiles_of_all_passes_add_up_to_the_weight(block_m: int, block_k: int) -> None:
    for layout in layouts():
        kept = layout.after.kept
        weight = np.where(kept, np.random.default_rng(1).standard_normal(kept.shape), 0)
        back = np.zeros_like(weight)
        for part in passes(joined(panels(layout)), kept.shape[0]):
            cut = tiles(part, weight, block_m, block_k)
            for tile in range(cut.count):
                own = cut.rows[tile] >= 0
                for block in range(cut.first[tile], cut.first[tile + 1]):
                    np.add.at(back, np.ix_(cut.rows[tile][own], cut.cols[block]), cut.weight[block][own])
                    assert not cut.weight[block][~own].any()
        assert np.array_equal(back, weight)


def test_a_pass_repeats_no_row_and_the_first_has_them_all() -> None:
    for layout in layouts():
        rows = layout.after.shape[0]
        dealt = passes(joined(panels(layout)), rows)
        for number, part in enumerate(dealt):
            used = np.concatenate([panel.rows for panel in part])
            assert np.unique(used).size == used.size
            if number == 0:
                assert used.size == rows
            else:
                assert all(panel.cols.size for panel in part)


def test_rows_in_two_groups_take_two_passes_and_one_group_one() -> None:
    first, second = Block(np.array([0, 1]), np.array([0, 1])), Block(np.array([1, 2]), np.array([2]))
    before = Mask(np.zeros((4, 3), bool))
    for blocks, wanted in (([first], 1), ([first, second], 2)):
        layout = Layout.from_blocks(before, blocks, reason="")
        assert len(passes(panels(layout), 4)) == wanted


def test_panels_of_equal_columns_are_joined() -> None:
    cols, other = np.array([1, 4]), np.array([1, 5])
    three = [Panel(np.array([0, 1]), cols), Panel(np.array([2]), other), Panel(np.array([5, 6]), cols)]
    found = joined(three)
    assert [panel.rows.tolist() for panel in found] == [[0, 1, 5, 6], [2]]


def test_the_longest_tiles_come_first() -> None:
    wide, narrow = Panel(np.array([3]), np.arange(40)), Panel(np.array([1]), np.arange(2))
    cut = tiles([narrow, wide], np.ones((4, 40)), 16, 16)
    assert cut.rows[:, 0].tolist() == [3, 1]
    assert np.diff(cut.first).tolist() == [3, 1]
