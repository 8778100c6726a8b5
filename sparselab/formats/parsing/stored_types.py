"""Number types that files have and NumPy lacks: the words in which they lie there, and the float32 numbers they stand for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparselab.core.inputs.words import widen_bfloat16
from sparselab.formats.parsing.float8 import FLOAT8_TYPES, widen_float8

WORDS: Mapping[str, str] = MappingProxyType({"bfloat16": "u2", **dict.fromkeys(FLOAT8_TYPES, "u1")})
"""Types by torch's names, each with NumPy's code of its words."""


def widen(words: NDArray[Any], stored: str) -> NDArray[np.float32]:
    """Return the numbers that words stand for, exactly, as float32 of the same shape.

    Raises: SettingError for a type that is not in WORDS.
    Example: >>> widen(np.array([0x3F80, 0xC000], np.uint16), "bfloat16").tolist()
             [1.0, -2.0]
    """
    if stored != "bfloat16":
        return widen_float8(words, stored)
    return widen_bfloat16(words)


def load_widened(load: Callable[[], NDArray[Any]], stored: str) -> NDArray[np.float32]:
    """Return what `load` reads, words of a type that NumPy lacks, as float32."""
    return widen(load(), stored)


def widened_notes(stored: set[str]) -> tuple[str, ...]:
    """Return the remark on the types of a file that were widened, none without any.

    Example: >>> widened_notes({"", "bfloat16"})
             ('bfloat16 weights are read as float32',)
    """
    return tuple(f"{name} weights are read as float32" for name in WORDS if name in stored)
