"""Shapes that a file stores as a tensor beside what they describe."""

from __future__ import annotations

from math import prod

from sparselab.core.errors import FileError
from sparselab.core.inputs.arrays import MAX_ELEMENTS, MAX_SIZE
from sparselab.formats.base import ArchiveEntry
from sparselab.formats.names import clean_name


def stored_shape(entry: ArchiveEntry) -> tuple[int, int]:
    """Return the rows and columns that two whole numbers say.

    Raises: FileError for anything else than two sizes of a matrix that may be read.
    """
    label = clean_name(entry.name)
    if entry.size != 2 or entry.dtype.kind not in "iu":
        raise FileError(f"{label}: expected two whole numbers; got {entry.shape} of {entry.dtype}")
    rows, cols = (int(size) for size in entry.load().reshape(-1))
    if not (1 <= rows <= MAX_SIZE and 1 <= cols <= MAX_SIZE) or prod((rows, cols)) > MAX_ELEMENTS:
        raise FileError(f"{label}: expected the sizes of a matrix; got {rows} x {cols}")
    return rows, cols
