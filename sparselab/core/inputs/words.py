"""Numbers as the unsigned words they are stored in: zeros are counted and bad numbers found without widening any.

A float of 16 or 8 bits is sign, exponent, fraction. It is 0 where all but the sign is 0, and no number or infinite where the
exponent is all ones (in the types that have such numbers at all).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.unsignedinteger[Any]]
_SLAB = 2**20  # words looked at in one go: what is made beside them stays in the processor's cache


@dataclass(frozen=True, kw_only=True)
class WordType:
    """A float type by its bits. `magnitude` masks all that must be 0 in a zero; `one` is the number 1, `normal` the smallest
    number that is no denormal.

    Words whose bits under `special` are all set are infinite or no number; with `lone_special`, that very word alone is.
    """

    magnitude: int
    special: int
    one: int
    normal: int
    lone_special: bool = False


WORD_TYPES: Mapping[str, WordType] = MappingProxyType(
    {
        "bfloat16": WordType(magnitude=0x7FFF, special=0x7F80, one=0x3F80, normal=0x0080),
        "float16": WordType(magnitude=0x7FFF, special=0x7C00, one=0x3C00, normal=0x0400),
        "float8_e4m3fn": WordType(magnitude=0x7F, special=0x7F, one=0x38, normal=0x08),
        "float8_e5m2": WordType(magnitude=0x7F, special=0x7C, one=0x3C, normal=0x04),
        "float8_e4m3fnuz": WordType(magnitude=0xFF, special=0x80, one=0x40, normal=0x08, lone_special=True),
        "float8_e5m2fnuz": WordType(magnitude=0xFF, special=0x80, one=0x40, normal=0x04, lone_special=True),
    }
)
"""The types that are counted in words, by torch's names."""


def nonzero_words(words: Words, kind: str) -> NDArray[np.bool_]:
    """Return where numbers are not 0; -0 is 0.

    Example: >>> nonzero_words(np.array([0x0000, 0x8000, 0x3F80], np.uint16), "bfloat16").tolist()
             [False, False, True]
    """
    kept = np.empty(words.shape, dtype=np.bool_)
    mask = words.dtype.type(WORD_TYPES[kind].magnitude)
    for part, out in _slabs(words, kept):
        np.not_equal(part & mask, 0, out=out)
    return kept


def special_words(words: Words, kind: str) -> int:
    """Return how many numbers are infinite or no numbers.

    Example: >>> special_words(np.array([0x7F80, 0x7FC0, 0x3F80], np.uint16), "bfloat16")
             2
    """
    told = WORD_TYPES[kind]
    bits = words.dtype.type(told.special)
    flat = words.reshape(-1)
    parts = (flat[start : start + _SLAB] for start in range(0, flat.size, _SLAB))
    return sum(int(np.count_nonzero((part if told.lone_special else part & bits) == bits)) for part in parts)


def are_ones(words: Words, kind: str) -> bool:
    """Return whether all that is not 0 is 1: the weights of a layer are then a mask."""
    told = WORD_TYPES[kind]
    mask, one = words.dtype.type(told.magnitude), words.dtype.type(told.one)
    flat = words.reshape(-1)
    for start in range(0, flat.size, _SLAB):
        part = flat[start : start + _SLAB]
        if not np.all((part == one) | (part & mask == 0)):
            return False
    return True


def widen_bfloat16(words: NDArray[np.uint16]) -> NDArray[np.float32]:
    """Return bfloat16 words as float32, which holds them exactly; beside the words, 4 bytes each are held at the peak.

    Example: >>> widen_bfloat16(np.array([0x3F80, 0xC000], np.uint16)).tolist()
             [1.0, -2.0]
    """
    wide = words.astype(np.uint32)
    wide <<= np.uint32(16)
    return wide.view(np.float32)


def _slabs(words: Words, out: NDArray[Any]) -> Iterator[tuple[Words, NDArray[Any]]]:
    flat, target = words.reshape(-1), out.reshape(-1)
    for start in range(0, flat.size, _SLAB):
        yield flat[start : start + _SLAB], target[start : start + _SLAB]
