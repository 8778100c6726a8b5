"""DSB's update: what is dropped would not come back, what is grown restores the count exactly."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sparselab.core.errors import SparselabError
from sparselab.core.layout import Block
from sparselab.core.mask import Mask
from sparselab.pruning.block_updates import blocking_magnitude, drop_in_blocks, grow_by_norms, released_candidates
from sparselab.pruning.updates import drop_smallest, grow_largest
from tests.strategies import masks

seeds = st.integers(0, 9999)


def values(shape: tuple[int, ...], seed: int) -> torch.Tensor:
    return torch.from_numpy(np.round(np.random.default_rng(seed).standard_normal(shape), 1))


def tensor(mask: Mask) -> torch.Tensor:
    return torch.from_numpy(mask.kept.copy())


def test_a_lone_candidate_stays() -> None:
    """A 4 x 4 block whose row 1 has two small weights (half a side), and a third one alone at (3, 3)."""
    weight = torch.ones(4, 4)
    weight[1, 0] = weight[1, 2] = 0.1
    weight[3, 3] = 0.2
    kept = torch.ones(4, 4, dtype=torch.bool)
    after = drop_in_blocks(weight, kept, [Block(np.arange(4), np.arange(4))], 3)
    assert (kept & ~after).nonzero().tolist() == [[1, 0], [1, 2]]


def test_half_of_a_smaller_block_is_half_of_its_own_side() -> None:
    """At the edge a block may be 4 rows x 2 columns: one candidate is half of a row."""
    weight = torch.ones(4, 2)
    weight[2, 1] = 0.1
    after = drop_in_blocks(weight, torch.ones(4, 2, dtype=torch.bool), [Block(np.arange(4), np.arange(2))], 1)
    assert (~after).nonzero().tolist() == [[2, 1]]


@settings(max_examples=60)
@given(masks(24), seeds, st.integers(0, 60), st.integers(2, 6))
def test_drop_in_blocks_drops_candidates_only_and_by_the_rule(mask: Mask, seed: int, count: int, size: int) -> None:
    weight, kept = values(mask.shape, seed), tensor(mask)
    blocks = [
        Block(rows, cols)
        for rows in np.array_split(np.arange(mask.rows), -(-mask.rows // size))
        for cols in np.array_split(np.arange(mask.cols), -(-mask.cols // size))
    ]
    candidates = kept & ~drop_smallest(weight, kept, count)
    assert int(candidates.sum()) == min(count, mask.count)
    after = drop_in_blocks(weight, kept, blocks, count)
    for block in blocks:
        inside = candidates.numpy()[np.ix_(block.rows, block.cols)]
        gone = (kept & ~after).numpy()[np.ix_(block.rows, block.cols)]
        for row, col in np.ndindex(inside.shape):
            enough = inside[row].sum() >= inside.shape[1] / 2 or inside[:, col].sum() >= inside.shape[0] / 2
            assert gone[row, col] == (inside[row, col] and enough)


@settings(max_examples=80)
@given(masks(24), seeds, st.floats(0, 1), st.integers(2, 8))
def test_growing_restores_the_count_exactly(mask: Mask, seed: int, share: float, size: int) -> None:
    kept = tensor(mask)
    count = round(share * (kept.numel() - mask.count))
    gradient = values(mask.shape, seed)
    norms = values((mask.rows,), seed + 1).abs(), values((mask.cols,), seed + 2).abs()
    for grown in (grow_largest(gradient.abs(), kept, count), grow_by_norms(*norms, kept, count, size)):
        assert int(grown.sum()) == mask.count + count
        assert bool((grown | ~kept).all())
    by_gradient = grow_largest(gradient.abs(), kept, count) & ~kept
    left = ~kept & ~by_gradient
    if by_gradient.any() and left.any():
        assert gradient.abs()[by_gradient].min() >= gradient.abs()[left].max()


def test_norms_fill_the_rectangle_of_top_rows_and_columns() -> None:
    """16 weights of an 8 x 8 matrix: the four top rows cross the four top columns; rows and columns stand apart."""
    row_norms = torch.tensor([0.0, 9, 0, 8, 0, 7, 6, 0])
    col_norms = torch.tensor([5.0, 4, 0, 0, 0, 0, 3, 2])
    none = torch.zeros(8, 8, dtype=torch.bool)
    expected = torch.zeros(8, 8, dtype=torch.bool)
    expected[torch.tensor([1, 3, 5, 6])[:, None], torch.tensor([0, 1, 6, 7])] = True
    assert torch.equal(grow_by_norms(row_norms, col_norms, none, 16, 4), expected)
    # One of them is kept already: the next line is column 2 or row 0, equal at norm 0, so row 0, at its top column.
    kept = none.clone()
    kept[1, 0] = True
    expected[0, 0] = True
    assert torch.equal(grow_by_norms(row_norms, col_norms, kept, 16, 4), expected)
    # A larger column norm goes first, and of that column the top row.
    col_norms[4] = 1.0
    expected[0, 0], expected[1, 4] = False, True
    assert torch.equal(grow_by_norms(row_norms, col_norms, kept, 16, 4), expected)


def test_a_rectangle_too_large_keeps_its_best() -> None:
    """11 weights: sqrt(11) / 4 rounds to one block, 4 x 4 = 16 weights, of which the 11 largest products are taken."""
    norms = torch.tensor([4.0, 3, 2, 1, 0, 0])
    grown = grow_by_norms(norms, norms, torch.zeros(6, 6, dtype=torch.bool), 11, 4)
    product = torch.outer(norms, norms)
    assert product[grown].min() >= product[~grown].max()


def test_no_room_is_told() -> None:
    kept = torch.ones(2, 2, dtype=torch.bool)
    kept[0, 0] = False
    for grow in (
        lambda: grow_largest(torch.ones(2, 2), kept, 2),
        lambda: grow_by_norms(torch.ones(2), torch.ones(2), kept, 2, 2),
    ):
        with pytest.raises(SparselabError, match="at most 1 weights to grow, all that are not kept; got 2"):
            grow()


def test_grown_weights_block_by_the_mean_kept_magnitude() -> None:
    weight = torch.tensor([[1.0, -3.0, 0.0], [0.0, 7.0, 0.0]])
    kept = torch.tensor([[True, True, True], [False, False, False]])
    grown = torch.tensor([[False, False, True], [False, False, False]])
    assert blocking_magnitude(weight, kept, grown).tolist() == [[1, 3, 2], [0, 0, 0]]
    assert blocking_magnitude(weight, grown, grown).tolist() == [[0, 0, 0], [0, 0, 0]]


@pytest.mark.gpu
@given(masks(24), seeds, st.integers(0, 30))
def test_cuda_gives_the_same(mask: Mask, seed: int, count: int) -> None:
    kept, weight = tensor(mask), values(mask.shape, seed)
    count = min(count, kept.numel() - mask.count)
    norms = values((mask.rows,), seed).abs(), values((mask.cols,), seed).abs()
    assert torch.equal(drop_smallest(weight.cuda(), kept.cuda(), count).cpu(), drop_smallest(weight, kept, count))
    here = grow_by_norms(*norms, kept, count, 4)
    assert torch.equal(grow_by_norms(norms[0].cuda(), norms[1].cuda(), kept.cuda(), count, 4).cpu(), here)


@given(st.integers(1, 64), st.integers(1, 64), st.floats(0, 1), st.floats(0, 1), st.sampled_from([2, 4, 16]))
def test_released_candidates_are_those_of_the_blocks_beyond_the_density_and_of_the_share(
    rows: int, cols: int, density: float, fraction: float, side: int
) -> None:
    """As many blocks as hold density * size: up to side^2 - 1 weights more than asked for are candidates too."""
    size = rows * side * cols * side
    blocks = -(-round(density * size) // side**2)
    kept = blocks * side**2
    count = released_candidates(kept, size, density, fraction)
    assert count == kept - (int(density * size) - int(kept * fraction)) or count == kept
    assert 0 <= count <= kept
    assert 0 <= count - int(fraction * kept) <= side**2 or count == kept
