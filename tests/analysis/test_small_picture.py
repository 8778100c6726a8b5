"""Small pictures say the densities of areas, to a fifteenth of the densest one."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sparselab.analysis.pooling import pool
from sparselab.analysis.small_picture import COLS, LEVELS, ROWS, small_picture
from sparselab.core.mask import Mask

SHAPES = st.tuples(st.integers(1, 120), st.integers(1, 150))


@given(st.data(), SHAPES)
def test_the_kinds_are_the_densities_of_the_areas_and_none_is_lost(data: st.DataObject, shape: tuple[int, int]) -> None:
    before, after = (Mask(data.draw(arrays(bool, shape))) for _ in range(2))
    picture = small_picture(before, after)
    assert picture["rows"] <= ROWS
    assert picture["cols"] <= COLS
    packed = picture["planes"]
    pixels = np.stack([packed >> 4, packed & 15], axis=-1).reshape(*packed.shape[:2], -1)[:, :, : picture["cols"]]
    found = pixels * picture["top"] / LEVELS
    for plane, mask in zip(found, (before & after, after - before, before - after), strict=True):
        true = pool(mask, most_rows=ROWS, most_cols=COLS).density
        assert np.abs(plane - true).max() <= picture["top"] / LEVELS / 2 + 1e-9


@given(SHAPES)
def test_a_mask_without_a_weight_is_blank(shape: tuple[int, int]) -> None:
    assert not small_picture(Mask(np.zeros(shape, dtype=bool)))["planes"].any()
