"""8-bit floating point numbers, against torch's own."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sparselab.core.errors import SettingError
from sparselab.formats.parsing.float8 import FLOAT8_TYPES, float8_values, widen_float8


@pytest.mark.parametrize("stored", FLOAT8_TYPES)
def test_every_word_has_the_value_that_torch_gives_it(stored: str) -> None:
    words = np.arange(256, dtype=np.uint8).reshape(16, 16)
    expected = torch.from_numpy(words).view(getattr(torch, stored)).float().numpy()
    read = widen_float8(words, stored)
    assert np.array_equal(read, expected, equal_nan=True)
    assert np.array_equal(np.signbit(read[:8]), np.signbit(expected[:8]))


def test_another_type_is_refused() -> None:
    with pytest.raises(SettingError, match="float8_e4m3fn, float8_e5m2; got 'float8_e4m3fnuz'"):
        float8_values("float8_e4m3fnuz")
