"""Small masks written as text: a line a row, # for a weight that is kept, . for one that is pruned."""

from __future__ import annotations

import numpy as np

from sparselab.core.errors import SettingError
from sparselab.core.mask import Mask

KEPT, PRUNED = "#", "."
MOST_ROWS, MOST_COLS = 32, 64


def grid(lines: tuple[str, ...]) -> Mask:
    """Return the mask that lines of # and . show. Raises: SettingError.

    Example: >>> grid(("#.", ".#")).count
             2
    """
    if not 1 <= len(lines) <= MOST_ROWS or not 1 <= len(lines[0]) <= MOST_COLS:
        raise SettingError(f"expected 1 to {MOST_ROWS} rows of 1 to {MOST_COLS} cells; got {len(lines)} rows")
    for number, line in enumerate(lines, start=1):
        if len(line) != len(lines[0]) or set(line) - {KEPT, PRUNED}:
            raise SettingError(
                f"row {number}: expected {len(lines[0])} cells of {KEPT} and {PRUNED}; got {line[:70]!r}"
            )
    return Mask(np.array([[cell == KEPT for cell in line] for line in lines]))
