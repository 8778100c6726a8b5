"""A matrix in strips of rows, so that what is computed of it takes little memory at a time."""

from __future__ import annotations

from collections.abc import Iterator

CELLS = 2**22
"""Numbers in a strip: temporary arrays of eight bytes each take 32 MiB, and a usual layer is one strip."""


def row_strips(rows: int, cols: int) -> Iterator[slice]:
    """Yield the strips of a rows x cols matrix from the top: as many rows each as hold CELLS numbers, at least one.

    Example: >>> list(row_strips(5, CELLS // 2))
             [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    height = max(1, CELLS // cols)
    return (slice(start, min(start + height, rows)) for start in range(0, rows, height))
