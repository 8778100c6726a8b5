"""Memory that is asked for before torch asks: its allocator on the CPU has no error of its own, but a RuntimeError like any other."""

from __future__ import annotations

import numpy as np


def check_memory(size: int) -> None:
    """Raises: MemoryError when this process cannot have `size` more bytes now; nothing is kept of them."""
    np.empty(size, np.uint8)
