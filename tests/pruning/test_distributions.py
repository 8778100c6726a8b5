"""Layerwise densities: the budget holds exactly, and Erdos-Renyi-kernel shares are those worked out by hand."""

from __future__ import annotations

from math import prod

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparselab.core.errors import SettingError
from sparselab.pruning.distributions import DISTRIBUTIONS, layer_counts, layer_densities

shapes = st.lists(
    st.one_of(
        st.tuples(st.integers(1, 64), st.integers(1, 64)),
        st.tuples(st.integers(1, 64), st.integers(1, 64), st.sampled_from([1, 3]), st.sampled_from([1, 3])),
    ),
    min_size=1,
    max_size=6,
)


def test_by_hand() -> None:
    """Two layers: 10 x 10 (raw 20/100 = .2) and 20 x 5 (raw 25/100 = .25), half of 200 weights: eps (20 + 25) = 100."""
    assert layer_densities([(10, 10), (20, 5)], 0.5, "erk") == pytest.approx((0.2 * 100 / 45, 0.25 * 100 / 45))


def test_a_layer_that_would_exceed_one_is_dense_and_the_rest_solved_again() -> None:
    """2 x 2 (raw 1) and 50 x 50 (raw .04) at .5: eps = 1252 / 104 > 1, so the first is dense; 1248 of 2500 are left."""
    assert layer_densities([(2, 2), (50, 50)], 0.5, "erk") == pytest.approx((1.0, 1248 / 2500))


@pytest.mark.parametrize("how", DISTRIBUTIONS)
@given(found=shapes, density=st.floats(0.01, 1.0))
def test_the_budget_is_kept_to_the_weight(how: str, found: list[tuple[int, ...]], density: float) -> None:
    held = sum(share * prod(shape) for share, shape in zip(layer_densities(found, density, how), found, strict=True))
    assert held == pytest.approx(density * sum(map(prod, found)))
    counts = layer_counts(found, density, how)
    assert sum(counts) == round(density * sum(map(prod, found)))
    assert all(0 <= count <= prod(shape) for count, shape in zip(counts, found, strict=True))


@pytest.mark.parametrize("how", DISTRIBUTIONS)
@given(found=shapes, density=st.floats(0.01, 1.0))
def test_layers_of_like_shape_are_alike(how: str, found: list[tuple[int, ...]], density: float) -> None:
    shares = dict(zip(found, layer_densities(found, density, how), strict=True))
    assert list(layer_densities(found, density, how)) == [shares[shape] for shape in found]
    assert all(0 <= share <= 1 + 1e-9 for share in shares.values())


def test_an_unknown_way_is_refused() -> None:
    with pytest.raises(SettingError, match="expected one of erk, uniform; got 'magic'"):
        layer_densities([(2, 2)], 0.5, "magic")
