"""Floats as the words they are stored in: the same zeros, ones and bad numbers as torch sees, for every word there is."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sparselab.core.inputs.words import WORD_TYPES, are_ones, nonzero_words, special_words, widen_bfloat16


def all_words(kind: str) -> tuple[np.ndarray, torch.Tensor]:
    """Every word of a type, and the numbers that torch takes them for."""
    dtype = getattr(torch, kind)
    code = np.uint16 if dtype.itemsize == 2 else np.uint8
    words = np.arange(256**dtype.itemsize, dtype=np.int64).astype(code)
    return words, torch.from_numpy(words.copy()).view(dtype).float()


@pytest.mark.parametrize("kind", WORD_TYPES)
def test_zeros_ones_and_special_numbers_are_those_of_torch(kind: str) -> None:
    words, numbers = all_words(kind)
    assert np.array_equal(nonzero_words(words, kind), (numbers != 0).numpy())
    finite = numbers.isfinite().numpy()
    assert special_words(words, kind) == np.count_nonzero(~finite)
    assert special_words(words[finite], kind) == 0
    for word, number in zip(words[::7], numbers.tolist()[::7], strict=True):
        assert are_ones(np.array([word]), kind) == (number in (0, 1))
    assert are_ones(words[(numbers == 1).numpy()], kind)
    assert numbers[WORD_TYPES[kind].normal] == torch.finfo(getattr(torch, kind)).smallest_normal


def test_bfloat16_is_widened_exactly() -> None:
    words, numbers = all_words("bfloat16")
    assert np.array_equal(widen_bfloat16(words), numbers.numpy(), equal_nan=True)


def test_words_are_looked_at_in_parts_and_all_of_them() -> None:
    words = np.zeros((2, 2**20 + 5), np.uint16)
    words[1, -1] = 0x7F80
    assert special_words(words, "bfloat16") == 1
    assert nonzero_words(words, "bfloat16").sum() == 1
    assert not are_ones(words, "bfloat16")
