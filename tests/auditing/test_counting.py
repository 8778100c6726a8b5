"""Numbers as they lie in a file: the pattern is the same in every type; -0 is a zero, a denormal is none, and both are counted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sparselab.auditing.counting import count_layer
from sparselab.core.errors import FileError
from sparselab.core.inputs.words import WORD_TYPES
from sparselab.core.ticket import StoredLayer

FLOATS = {"float32": (np.uint32, 2**31, 1), "float64": (np.uint64, 2**63, 1)}
KINDS = [*WORD_TYPES, *FLOATS]


def words_of(kind: str, sort: np.ndarray) -> np.ndarray:
    """A word for each of 0 (zero), 1 (-0, where there is one), 2 (a denormal), 3 (the number 1)."""
    if kind in FLOATS:
        code, minus, least = FLOATS[kind]
        one = np.ones(1, kind).view(code)[0]
    else:
        told = WORD_TYPES[kind]
        code = np.uint16 if told.magnitude > 0xFF else np.uint8
        sign = ~told.magnitude & np.iinfo(code).max
        minus, least, one = sign, 1, told.one
    return np.array([0, minus, least, one], dtype=code)[sort]


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=15, deadline=None)
@given(rows=st.integers(1, 9), cols=st.integers(1, 40), seed=st.integers(0, 2**20))
def test_every_type_has_the_same_bits_and_says_what_was_met(kind: str, rows: int, cols: int, seed: int) -> None:
    sort = np.random.default_rng(seed).integers(0, 4, (rows, cols))
    counted = count_layer("layer", StoredLayer(words_of(kind, sort), kind), (rows, cols), 1)
    assert np.array_equal(counted.bits.unpacked(slice(None), 0)[:, 0], sort >= 2)
    assert counted.bits.count == np.count_nonzero(sort >= 2)
    assert counted.denormals == np.count_nonzero(sort == 2)
    has_minus = kind in FLOATS or WORD_TYPES[kind].magnitude != 0xFF
    assert counted.negative_zeros == (np.count_nonzero(sort == 1) if has_minus else 0)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "bool"])
def test_whole_numbers_have_neither(dtype: str) -> None:
    numbers = np.array([[0, 1, 0, 1, 1]], dtype=dtype)
    counted = count_layer("layer", StoredLayer(numbers, dtype), (1, 5), 1)
    assert (counted.bits.count, counted.negative_zeros, counted.denormals) == (3, 0, 0)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_number_is_refused_where_it_is_kept(kind: str) -> None:
    words = words_of(kind, np.full((2, 3), 3))
    special = np.array([np.nan], kind).view(words.dtype)[0] if kind in FLOATS else WORD_TYPES[kind].special
    words[1, 2] = special
    with pytest.raises(FileError, match="expected finite weights; got 1"):
        count_layer("layer", StoredLayer(words, kind), (2, 3), 1)
    kept = np.ones((2, 3), bool)
    kept[1, 2] = False
    assert count_layer("layer", StoredLayer(words, kind, kept), (2, 3), 1).bits.count == 5


def test_a_convolution_is_lined_up_by_channels_at_each_position() -> None:
    kept = np.random.default_rng(0).random((4, 10, 2, 3)) < 0.5
    bits = count_layer("layer", StoredLayer(kept.reshape(4, 60), "bool"), kept.shape, 2).bits
    assert (bits.groups, bits.lines, bits.positions, bits.width) == (2, 2, 6, 10)
    for group in range(2):
        expected = kept[2 * group : 2 * group + 2].reshape(2, 10, 6).transpose(0, 2, 1)
        assert np.array_equal(bits.unpacked(slice(None), group), expected)
