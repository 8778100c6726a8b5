"""Overlap of two masks: counts that add up, and the mean and spread of chance, which are those of the hypergeometric law."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import hypergeom

from sparselab.analysis.overlap import CHANCE_DEVIATIONS, in_words, joined, overlap
from sparselab.core.errors import SparselabError
from sparselab.core.mask import Mask


@st.composite
def two_masks(draw: st.DrawFn) -> tuple[Mask, Mask]:
    shape = draw(st.integers(1, 9)), draw(st.integers(1, 12))
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    one, other = (Mask(rng.random(shape) < draw(st.sampled_from([0.0, 0.1, 0.5, 1.0]))) for _ in range(2))
    return one, other


@given(two_masks())
def test_the_counts_are_those_of_sets_and_chance_is_hypergeometric(masks: tuple[Mask, Mask]) -> None:
    a, b = masks
    found = overlap(a, b)
    in_a, in_b = (set(np.flatnonzero(mask.kept).tolist()) for mask in masks)
    assert (found.both, found.only_a, found.only_b) == (len(in_a & in_b), len(in_a - in_b), len(in_b - in_a))
    assert found.is_same == (a == b)
    counts = np.arange(found.size + 1)
    law = hypergeom.pmf(counts, found.size, found.kept_a, found.kept_b)
    assert found.expected == pytest.approx(law @ counts)
    assert found.variance == pytest.approx(law @ (counts - law @ counts) ** 2, abs=1e-9)
    if in_a | in_b:
        assert found.jaccard == len(in_a & in_b) / len(in_a | in_b)
    else:
        assert found.jaccard is found.chance_jaccard is found.shared_of_a is None
    turned = overlap(b, a)
    assert (turned.both, turned.only_a, turned.only_b) == (found.both, found.only_b, found.only_a)
    assert (turned.expected, turned.variance) == (found.expected, found.variance)
    assert in_words(found)
    assert all(value is None or isinstance(value, int | float) for value in found.as_json().values())


def test_random_masks_lie_within_chance_and_equal_ones_far_beyond() -> None:
    rng = np.random.default_rng(0)
    a, b = (Mask(rng.random((128, 256)) < 0.2) for _ in range(2))
    above, own = overlap(a, b).deviations_above, overlap(a, a).deviations_above
    assert above is not None
    assert abs(above) <= CHANCE_DEVIATIONS
    assert "not told from chance" in in_words(overlap(a, b))
    assert own is not None
    assert own > 100


def test_layers_together_keep_their_own_chance() -> None:
    full, none = Mask(np.ones((4, 4), dtype=bool)), Mask(np.zeros((4, 4), dtype=bool))
    apart = joined([overlap(full, full), overlap(none, none)])
    assert (apart.both, apart.expected, apart.deviations_above) == (16, 16.0, None), "the layers' densities say it all"


def test_counts_of_large_layers_do_not_overflow() -> None:
    mask = Mask(np.ones((4096, 4096), dtype=bool))
    assert overlap(mask, mask).variance == 0.0
    half = Mask(np.arange(4096 * 4096).reshape(4096, 4096) % 2 == 0)
    assert overlap(half, half).variance == pytest.approx(hypergeom(2**24, 2**23, 2**23).var())


def test_two_shapes_are_refused() -> None:
    with pytest.raises(SparselabError, match="one shape"):
        overlap(Mask(np.ones((2, 3), dtype=bool)), Mask(np.ones((3, 2), dtype=bool)))
