"""RigL and SET: what goes, what comes, and counts that never change."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sparselab.core.errors import SparselabError
from sparselab.pruning.updates import drop_fraction, drop_smallest, grow_largest, rigl_step, set_step


def mask(*rows: list[int]) -> torch.Tensor:
    return torch.tensor(rows, dtype=torch.bool)


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_the_smallest_go_the_lower_index_first() -> None:
    weight = torch.tensor([[0.5, -0.1, 0.0], [0.1, 2.0, -3.0]])
    kept = mask([1, 1, 0], [1, 1, 1])
    assert torch.equal(drop_smallest(weight, kept, 1), mask([1, 0, 0], [1, 1, 1]))
    assert torch.equal(drop_smallest(weight, kept, 2), mask([1, 0, 0], [0, 1, 1]))
    assert not drop_smallest(weight, kept, 9).any()


def test_the_largest_come_the_lower_index_first() -> None:
    worth, kept = torch.tensor([[9.0, 2.0], [3.0, 3.0]]), mask([1, 0], [0, 0])
    assert torch.equal(grow_largest(worth, kept, 1), mask([1, 0], [1, 0]))
    assert torch.equal(grow_largest(worth, kept, 2), mask([1, 0], [1, 1]))
    with pytest.raises(SparselabError, match="at most 3 weights to grow, all that are not kept; got 4"):
        grow_largest(worth, kept, 4)


def test_rigl_by_hand() -> None:
    """Half of four weights: |w| of 0.1 and 0.2 go. The largest |gradient| of those not kept now are 8, which was never kept,
    and 7, which has just been dropped: it comes back."""
    weight = torch.tensor([[0.1, -0.2, 3.0], [-4.0, 0.0, 0.0]])
    gradient = torch.tensor([[-7.0, 1.0, 9.0], [9.0, -8.0, 6.0]])
    after = rigl_step(weight, gradient, mask([1, 1, 1], [1, 0, 0]), 0.5)
    assert torch.equal(after, mask([1, 0, 1], [1, 1, 0]))


@given(st.integers(1, 8), st.integers(1, 8), st.floats(0, 1), st.floats(0, 1), st.integers(0, 999))
def test_counts_never_change(rows: int, cols: int, density: float, fraction: float, seed: int) -> None:
    generator = seeded(seed)
    weight, gradient = (torch.randn(rows, cols, generator=generator).mul(4).round() for _ in range(2))
    kept = torch.rand(rows, cols, generator=generator) < density
    original = kept.clone()
    left = drop_smallest(weight, kept, round(fraction * int(kept.sum())))
    for after in (rigl_step(weight, gradient, kept, fraction), set_step(weight, kept, fraction, generator)):
        assert int(after.sum()) == int(kept.sum())
        assert bool((after | ~left).all())
    assert torch.equal(kept, original)


def test_set_grows_by_the_seed_and_everywhere() -> None:
    weight, kept = torch.arange(64.0).reshape(8, 8), torch.arange(64).reshape(8, 8) < 32
    first, second = (set_step(weight, kept, 0.5, seeded(3)) for _ in range(2))
    assert torch.equal(first, second)
    grown = torch.zeros(8, 8, dtype=torch.bool)
    for seed in range(40):
        grown |= set_step(weight, kept, 0.5, seeded(seed)) & ~drop_smallest(weight, kept, 16)
    assert int(grown.sum()) == 48


def test_the_fraction_falls_along_a_cosine_to_its_end() -> None:
    assert [drop_fraction(step, 100, 0.3) for step in (0, 50, 100, 101)] == pytest.approx([0.3, 0.15, 0, 0])


@pytest.mark.gpu
def test_cuda_gives_the_same() -> None:
    weight, gradient = (torch.randn(40, 30, generator=seeded(seed)).mul(4).round() for seed in (1, 2))
    kept = torch.rand(40, 30, generator=seeded(3)) < 0.3
    here = rigl_step(weight, gradient, kept, 0.3), set_step(weight, kept, 0.3, seeded(4))
    on_cuda = weight.cuda(), gradient.cuda(), kept.cuda()
    there = rigl_step(*on_cuda, 0.3), set_step(on_cuda[0], on_cuda[2], 0.3, seeded(4))
    assert all(torch.equal(a, b.cpu()) for a, b in zip(here, there, strict=True))
