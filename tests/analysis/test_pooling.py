import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sparselab.analysis.pooling import Level, pool, pyramid
from sparselab.core.mask import Mask
from tests.strategies import masks


def brute_force(mask: Mask, level: Level) -> np.ndarray:
    rows, cols = range(0, mask.rows, level.step_rows), range(0, mask.cols, level.step_cols)
    return np.array([[mask.kept[r : r + level.step_rows, c : c + level.step_cols].mean() for c in cols] for r in rows])


@given(masks(60), st.integers(1, 30), st.integers(1, 30))
def test_every_pixel_is_the_exact_density_of_its_area(mask: Mask, most_rows: int, most_cols: int) -> None:
    level = pool(mask, most_rows=most_rows, most_cols=most_cols)
    assert level.counts.shape[0] <= most_rows
    assert level.counts.shape[1] <= most_cols
    assert level.counts.sum() == mask.count
    assert np.allclose(level.density, brute_force(mask, level))


@given(masks(60))
def test_every_level_counts_every_weight_once(mask: Mask) -> None:
    levels = pyramid(mask)
    assert levels[-1].counts.shape == (1, 1)
    for level in levels:
        assert level.counts.sum() == mask.count
        assert np.allclose(level.density, brute_force(mask, level))
