"""The first lines of a MatrixMarket file: what it holds, and how much."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sparselab.core.errors import FileError
from sparselab.core.inputs.arrays import MAX_SIZE
from sparselab.formats.names import clean_name

START = b"%%MatrixMarket"
_LAYOUTS = ("coordinate", "array")
_FIELDS = ("real", "integer", "pattern")
_SYMMETRIES = ("general", "symmetric", "skew-symmetric")
_MOST_COMMENTS = 1000


@dataclass(frozen=True, kw_only=True)
class MatrixMarketHead:
    """The words of the first line, and the size line."""

    layout: str
    field: str
    symmetry: str
    shape: tuple[int, int]
    entries: int

    @property
    def is_array(self) -> bool:
        return self.layout == "array"

    @property
    def width(self) -> int:
        """Numbers per entry."""
        return 1 if self.is_array else 3 - (self.field == "pattern")

    @property
    def shortest(self) -> int:
        """The fewest bytes that hold the entries: a digit and a space for every number, but for the last one."""
        return max(0, 2 * self.width * self.entries - 1)

    def stored(self, row: NDArray[np.int64], col: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which elements of an array stand in the file: all of a general one, or those of the lower triangle."""
        if self.symmetry == "general":
            return np.ones(row.shape, bool)
        return row >= col if self.symmetry == "symmetric" else row > col


def parse_head(line: Callable[[], bytes]) -> MatrixMarketHead:
    """Return what the first lines say; `line` gives the next one. Raises: FileError for anything that is not read."""
    first = line()
    words = first.decode("latin1").lower().split()
    if len(words) != 5 or words[:2] != [START.decode().lower(), "matrix"]:
        raise FileError(f'expected a first line "{START.decode()} matrix ..." of five words; got something else')
    for word, known in zip(words[2:], (_LAYOUTS, _FIELDS, _SYMMETRIES), strict=True):
        if word not in known:
            raise FileError(f"expected a matrix that is {' or '.join(known)}; got {clean_name(word[:40])}")
    layout, field, symmetry = words[2:]
    if layout == "array" and field == "pattern":
        raise FileError("expected values in an array; got a pattern")
    for _ in range(_MOST_COMMENTS):
        text = line().strip()
        if text and not text.startswith(b"%"):
            break
    count = 2 if layout == "array" else 3
    found = re.fullmatch(rb"\d{1,12}(\s+\d{1,12})*", text)
    sizes = [int(size) for size in text.split()] if found else []
    if len(sizes) != count:
        raise FileError(f"expected a size line of {count} whole numbers; got something else")
    rows, cols = sizes[:2]
    if not 0 < rows <= MAX_SIZE or not 0 < cols <= MAX_SIZE:
        raise FileError(f"expected from 1 to {MAX_SIZE} rows and columns; got {rows} and {cols}")
    if symmetry != "general" and rows != cols:
        raise FileError(f"expected as many rows as columns in a {symmetry} matrix; got {rows} and {cols}")
    whole = {"general": rows * cols, "symmetric": rows * (rows + 1) // 2, "skew-symmetric": rows * (rows - 1) // 2}
    entries = whole[symmetry] if layout == "array" else sizes[2]
    if entries > rows * cols:
        raise FileError(f"expected at most {rows * cols} entries; got {entries}")
    return MatrixMarketHead(layout=layout, field=field, symmetry=symmetry, shape=(rows, cols), entries=entries)
