"""bfloat16, which NumPy lacks: the upper half of a float32."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def widen(words: NDArray[Any]) -> NDArray[np.float32]:
    """Return the float32 that hold the same numbers as bfloat16 in 16-bit words.

    Example: >>> widen(np.array([0x3F80, 0x8000], np.uint16))
             array([ 1., -0.], dtype=float32)
    """
    return (words.astype(np.uint32) << 16).view(np.float32)
