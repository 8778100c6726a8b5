"""8-bit floating point numbers, which NumPy lacks, by a table of their 256 values.

Source: Micikevicius et al., FP8 Formats for Deep Learning (2022), table 1; torch.float8_e4m3fn and torch.float8_e5m2.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparselab.core.errors import SettingError

_MANTISSA_BITS: Mapping[str, int] = MappingProxyType({"float8_e4m3fn": 3, "float8_e5m2": 2})
FLOAT8_TYPES = tuple(_MANTISSA_BITS)
"""The types that are read, as torch names them."""


@cache
def float8_values(stored: str) -> NDArray[np.float32]:
    """Return the values of the words 0 .. 255 of a type: (-1)^s 2^(e - bias) (1 + m / 2^M), without the 1 where e is 0.

    The bias is 2^(E - 1) - 1 for E bits of e. float8_e4m3fn has no infinity, and NaN where all of e and m are ones.

    Raises: SettingError for another type.
    Example: >>> float8_values("float8_e4m3fn")[[0x00, 0x38, 0xC0, 0x7E]].tolist()
             [0.0, 1.0, -2.0, 448.0]
    """
    if stored not in _MANTISSA_BITS:
        raise SettingError(f"stored: expected one of {', '.join(FLOAT8_TYPES)}; got {stored!r}")
    bits = _MANTISSA_BITS[stored]
    word = np.arange(128)
    exponent, mantissa = word >> bits, word & (2**bits - 1)
    bias = 2 ** (6 - bits) - 1
    values = np.where(exponent > 0, 1, 0) + mantissa / 2**bits
    values = np.ldexp(values, np.maximum(exponent, 1) - bias)
    if stored == "float8_e5m2":
        last = exponent == exponent.max()
        values[last] = np.where(mantissa[last] == 0, np.inf, np.nan)
    else:
        values[-1] = np.nan
    table: NDArray[np.float32] = np.concatenate([values, -values]).astype(np.float32)
    table.setflags(write=False)
    return table


def widen_float8(words: NDArray[Any], stored: str) -> NDArray[np.float32]:
    """Return the numbers that words of 8 bits stand for, exactly, as float32 of the same shape.

    Raises: SettingError as `float8_values` does.
    Example: >>> widen_float8(np.array([[0x3C, 0xBC]], np.uint8), "float8_e5m2").tolist()
             [[1.0, -1.0]]
    """
    return float8_values(stored)[words.view(np.uint8)]
