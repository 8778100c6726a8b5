"""Shuffled blocks: the released code's figures, its selection restated, padding, and the same blocks everywhere."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sparselab.core.errors import SettingError
from sparselab.core.layer import Layer
from sparselab.core.layout import Layout
from sparselab.core.mask import Mask
from sparselab.formats import ReadOptions, read_ticket
from sparselab.grouping import GROUPERS, Goal, Groups
from sparselab.transforms import ShuffledBlocks
from sparselab.transforms.shuffled_blocks.block_runs import blocks_of_runs, column_scores, select_runs
from sparselab.transforms.shuffled_blocks.shuffled_blocks import group_alike
from tests.strategies import layers, masks

CPU = torch.device("cpu")


def run(layer: Layer, **values: object) -> Layout:
    return ShuffledBlocks(**values)(layer, rng=np.random.default_rng(0), device="cpu")  # type: ignore[arg-type]


def natural(mask: Mask, height: int) -> Groups:
    return GROUPERS["natural"](mask, Goal(height=height), rng=np.random.default_rng(0))


def released_code(weight: np.ndarray, groups: Groups, size: int, blocks: int) -> np.ndarray:
    """The selection of the released code, restated on a matrix padded with zeros, block by block."""
    rows, cols = weight.shape
    wide = -(-cols // size) * size
    padded = np.zeros((rows, wide))
    padded[:, :cols] = weight
    found = []
    for group in groups:
        norms = [float(np.sqrt((padded[group, col] ** 2).sum())) for col in range(wide)]
        order = sorted(range(wide), key=lambda col: -norms[col])
        for start in range(0, wide, size):
            run_cols = order[start : start + size]
            found.append((sum(norms[col] for col in run_cols), group, run_cols))
    after = np.zeros((rows, wide), bool)
    for worth, group, run_cols in sorted(found, key=lambda block: -block[0])[:blocks]:
        if worth > 0:
            after[np.ix_(group, run_cols)] = True
    return after[:, :cols]


class TestSelection:
    @settings(max_examples=60)
    @given(masks(40), st.integers(2, 16), st.integers(0, 999))
    def test_is_the_released_code(self, mask: Mask, size: int, seed: int) -> None:
        """With weights, which do not tie."""
        weight = np.random.default_rng(seed).uniform(0.5, 1.5, mask.shape) * mask.kept
        layer = Layer("layer", mask, weight=weight)
        groups, blocks = natural(mask, size), -(-mask.count // size**2)
        after = np.zeros(mask.shape, bool)
        for block in blocks_of_runs(select_runs(column_scores(layer, groups, "magnitude", CPU), size, blocks), groups):
            after[np.ix_(block.rows, block.cols)] = True
        expected = released_code(weight, groups, size, blocks)
        assert after[mask.kept].tolist() == expected[mask.kept].tolist()

    def test_the_three_scores_by_hand(self) -> None:
        weight = np.array([[3.0, 0.0, 1.0], [-4.0, 2.0, 0.0]])
        layer = Layer("toy", Mask(weight != 0), weight=weight)
        groups = (np.array([0, 1]),)
        expected = {"count": [2**0.5, 1, 1], "magnitude": [5, 2, 1], "energy": [25, 4, 1]}
        for weigh, values in expected.items():
            worth = column_scores(layer, groups, weigh, CPU)[0]
            assert torch.equal(worth, worth.round())
            assert (worth / worth[-1]).tolist() == pytest.approx(values, rel=1e-6)

    def test_ties_go_to_the_lower_index(self) -> None:
        runs = select_runs(torch.ones((2, 5), dtype=torch.float64), 2, 3)
        assert [(group, cols.tolist()) for group, cols in runs] == [(0, [0, 1]), (0, [2, 3]), (1, [0, 1])]

    def test_a_run_worth_nothing_is_never_taken(self) -> None:
        worth = torch.tensor([[0.0, 0.0, 1.0, 0.0]], dtype=torch.float64)
        assert [cols.tolist() for _, cols in select_runs(worth, 2, 2)] == [[2, 0]]

    @settings(max_examples=40)
    @given(layers(), st.integers(2, 8), st.integers(0, 999))
    def test_permuting_rows_permutes_the_answer(self, layer: Layer, size: int, seed: int) -> None:
        """For given groups and weights without ties."""
        rng = np.random.default_rng(seed)
        weight = rng.standard_normal(layer.mask.shape)
        order = rng.permutation(layer.mask.rows)
        place = np.argsort(order)
        groups = natural(layer.mask, size)
        moved = tuple(place[group] for group in groups)
        first = Layer("a", layer.mask, weight=weight)
        second = Layer("b", layer.mask.permuted(order), weight=weight[order])
        here = select_runs(column_scores(first, groups, "magnitude", CPU), size, 3)
        there = select_runs(column_scores(second, moved, "magnitude", CPU), size, 3)
        assert [(g, c.tolist()) for g, c in here] == [(g, c.tolist()) for g, c in there]

    @pytest.mark.gpu
    @given(layers(), st.integers(2, 20), st.sampled_from(["count", "magnitude", "energy"]))
    def test_cuda_chooses_the_same_blocks(self, layer: Layer, size: int, weigh: str) -> None:
        if layer.weight is None:
            layer = Layer("layer", layer.mask, weight=np.ones(layer.mask.shape))
        settings_ = ShuffledBlocks(block_size=size, weigh=weigh)
        here, there = (settings_(layer, rng=np.random.default_rng(0), device=name) for name in ("cpu", "cuda"))
        assert here.blocks == there.blocks


@pytest.mark.parametrize(
    ("name", "share", "shuffled"),
    [
        ("rn50-mag-0.8-g3_2", 0.3809, 0.3664),
        ("rn50-mag-0.9-g3_2", 0.3020, 0.2739),
        ("rn50-mag-0.95-g3_2", 0.2516, 0.2201),
        ("rn50-vd-0.9-g3_2", 0.3207, 0.2946),
        ("tr-mag-0.9-l2v", 0.2790, 0.2475),
    ],
)
def test_real_layers_as_the_released_code_has_them(dlmc: Path, name: str, share: float, shuffled: float) -> None:
    """Share of kept weights that stay in as many 16x16 blocks, and what a random order of rows gives."""
    layer = next(iter(read_ticket(dlmc / f"{name}.smtx", ReadOptions())))
    layout = run(layer)
    assert layout.covered.count / layer.mask.count == pytest.approx(share, abs=0.002)
    assert len(layout.blocks) == -(-layer.mask.count // 256)
    control = run(layer, grouper="random")
    assert control.covered.count / layer.mask.count == pytest.approx(shuffled, abs=0.005)


@settings(max_examples=60)
@given(layers(), st.integers(2, 24))
def test_the_budget_counts_blocks_and_edges_are_real(layer: Layer, size: int) -> None:
    """Whatever the shape: as many blocks as the kept weights fill, full ones but for the last rows and columns."""
    layout = run(layer, block_size=size)
    rows, cols = layer.mask.shape
    wanted = -(-layer.mask.count // size**2)
    assert len(layout.blocks) == wanted
    heights = {size if rows >= size else rows, rows % size}
    widths = {size if cols >= size else cols, cols % size}
    for block in layout.blocks:
        assert block.rows.size in heights
        assert block.cols.size in widths
        assert block.rows.max() < rows
        assert block.cols.max() < cols


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("weigh", ["count", "magnitude", "energy"])
def test_threads_do_not_change_the_answer(threads: int, weigh: str) -> None:
    rng = np.random.default_rng(5)
    weight = rng.standard_normal((120, 500)).astype(np.float32)
    layer = Layer("noise", Mask(np.abs(weight) > 1.3), weight=weight)
    before = torch.get_num_threads()
    reference = run(layer, weigh=weigh)
    try:
        torch.set_num_threads(threads)
        assert run(layer, weigh=weigh).blocks == reference.blocks
    finally:
        torch.set_num_threads(before)


class TestAlike:
    def test_rows_that_are_like_no_other_follow_as_they_are(self) -> None:
        kept = np.zeros((6, 12), bool)
        kept[[1, 4], 0:4] = True
        kept[0, 4:6] = kept[2, 6:8] = kept[3, 8:10] = kept[5, 10:12] = True
        layout = run(Layer("toy", Mask(kept)), block_size=2, q=0.5)
        assert layout.row_order.order.tolist() == [1, 4, 0, 2, 3, 5]

    def test_q_is_exceeded_not_reached_and_zero_means_all(self) -> None:
        mask = Mask(np.array([[1, 1, 0], [0, 0, 1], [1, 0, 0], [1, 0, 0]], bool))
        layer = Layer("toy", mask)
        half = run(layer, block_size=2, q=0.5, similarity="jaccard").row_order.order.tolist()
        assert half == [2, 3, 0, 1]
        assert run(layer, block_size=2, q=1.0).row_order.order.tolist() == [0, 1, 2, 3]
        asked = []

        def everything(asked_for: Mask) -> Groups:
            asked.append(asked_for.rows)
            return natural(asked_for, 2)

        group_alike(mask, np.ones(4, bool), everything, Goal(height=2))
        assert asked == [4]

    @given(masks(), st.integers(2, 9), st.integers(0, 99))
    def test_every_row_is_in_one_group_of_the_height(self, mask: Mask, height: int, seed: int) -> None:
        alike = np.random.default_rng(seed).random(mask.rows) < 0.5
        goal = Goal(height=height)
        groups = group_alike(mask, alike, lambda part: natural(part, height), goal)
        assert [group.size for group in groups] == goal.sizes(mask.rows).tolist()
        assert sorted(np.concatenate(groups).tolist()) == list(range(mask.rows))


def test_what_cannot_be_found_is_told() -> None:
    kept = Mask(np.eye(8, dtype=bool))
    cases: list[tuple[Layer, dict[str, object], str]] = [
        (Layer("empty", Mask(np.zeros((8, 8), bool))), {}, "the mask keeps no weight"),
        (Layer("eye", kept), {"density": 0.0}, "the density is too low for one block"),
        (Layer("zeros", kept, weight=np.zeros((8, 8))), {"weigh": "magnitude"}, "every kept weight is zero"),
    ]
    for layer, values, words in cases:
        layout = run(layer, **values)
        assert layout.status == "unblocked"
        assert words in layout.reason
    with pytest.raises(SettingError, match="weigh=energy needs weights"):
        run(Layer("eye", kept), weigh="energy")
