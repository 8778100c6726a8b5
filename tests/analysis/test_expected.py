"""The similarity of rows by chance, against the exact sum over what two random rows may share, and against random masks."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sparselab.analysis.expected import expected_jaccard
from sparselab.analysis.similarity import jaccard_similarity
from sparselab.core.mask import Mask


def exact(a: int, b: int, n: int) -> float:
    if a + b == 0:
        return 1.0
    shared = range(max(0, a + b - n), min(a, b) + 1)
    return sum(comb(a, x) * comb(n - a, b - x) / comb(n, b) * x / (a + b - x) for x in shared)


@settings(max_examples=200)
@given(st.integers(1, 300), st.data())
def test_is_the_mean_over_all_that_two_rows_may_share(n: int, data: st.DataObject) -> None:
    a, b = data.draw(st.integers(0, n)), data.draw(st.integers(0, n))
    (found,) = expected_jaccard([a], [b], n)[0]
    assert found == pytest.approx(exact(a, b, n), abs=0.001 if a * b >= 4 * n else 0.06 if n < 12 else 0.01)
    assert found == pytest.approx(expected_jaccard([b], [a], n)[0, 0])


def test_rows_of_a_random_mask_are_as_alike_as_expected() -> None:
    kept = np.random.default_rng(0).random((120, 400)) < np.linspace(0.05, 0.5, 120)[:, None]
    counts, off = kept.sum(axis=1), ~np.eye(120, dtype=bool)
    gap = (jaccard_similarity(Mask(kept), device="cpu") - expected_jaccard(counts, counts, 400))[off]
    assert abs(gap.mean()) < 0.002
