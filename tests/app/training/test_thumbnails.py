"""Thumbnails of masks: of every shape one that can be looked at beside the others."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sparselab.app.training.masks import not_thin


@given(st.integers(1, 96), st.integers(1, 192))
def test_no_picture_is_a_thread_and_none_loses_a_pixel(rows: int, cols: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (rows, cols), dtype=np.uint8)
    shown = not_thin(pixels)
    tall, wide = shown.shape
    assert tall <= 2 * wide
    assert wide <= 8 * tall
    assert np.array_equal(shown[:: tall // rows, :: wide // cols], pixels)
    if rows <= 2 * cols and cols <= 8 * rows:
        assert shown.shape == pixels.shape
