"""The header of a NumPy array, read before any of its data and without evaluating it.

    b"\\x93NUMPY" | version: 2 bytes | length of the header: 2 bytes (version 1) or 4 | the header, a Python dictionary

Our own reader, because NumPy's evaluates the dictionary, which a few kilobytes of brackets can bring to its knees. Plain
numbers need only one shape of it, so a pattern does.
Source: NumPy's numpy.lib.format, which also fixes the order of the keys.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from sparselab.core.errors import FileError
from sparselab.core.inputs.arrays import in_words, plain_dtype
from sparselab.formats.base import check_shape
from sparselab.formats.names import clean_name
from sparselab.formats.options import ReadLimits

MAGIC = b"\x93NUMPY"
PEEK_BYTES = 16_384
"""How much of a file holds any header that is read: those of plain numbers have 118 bytes."""

_LENGTH_BYTES = {1: 2, 2: 4, 3: 4}
_DICTIONARY = re.compile(
    rb"\{\s*'descr'\s*:\s*(?P<type>'[^']{1,40}'|\[[^\0]*\])\s*,\s*'fortran_order'\s*:\s*(?P<order>True|False)\s*,"
    rb"\s*'shape'\s*:\s*\((?P<shape>[0-9L, ]*)\)\s*,?\s*\}\s*"
)
_SIZE = re.compile(rb" *(\d{1,20})L? *")


@dataclass(frozen=True, kw_only=True)
class NpyHeader:
    """What an array is and where its data begins. `dtype` is None for all but real numbers and booleans.

    `type_name` says what the others are, `code` is the type as the header spells it.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any] | None
    type_name: str
    code: str
    fortran_order: bool
    start: int

    @property
    def size_bytes(self) -> int:
        """Header and data together, for an array of numbers."""
        return self.start + prod(self.shape) * (0 if self.dtype is None else self.dtype.itemsize)


def parse_header(start: bytes, name: str, limits: ReadLimits) -> NpyHeader:
    """Return the header in the first bytes of an array.

    Raises: FileError when there is none, or it declares a shape no layer has.
    """
    label = clean_name(name)
    if len(start) < 12 or not start.startswith(MAGIC) or start[6] not in _LENGTH_BYTES:
        raise FileError(f"{label}: expected a NumPy array of format 1, 2 or 3; got something else or only its start")
    text_at = 8 + _LENGTH_BYTES[start[6]]
    end = text_at + int.from_bytes(start[8:text_at], "little")
    found = _DICTIONARY.fullmatch(start[text_at:end]) if end <= len(start) else None
    shape = None if found is None else _shape(found["shape"])
    if found is None or shape is None:
        raise FileError(f"{label}: expected a NumPy header with descr, fortran_order and shape; it is damaged")
    check_shape(name, shape, limits)
    code = found["type"].decode("latin1").strip("'")
    return NpyHeader(
        shape=shape,
        dtype=plain_dtype(code),
        type_name=clean_name(in_words(code)),
        code=code,
        fortran_order=found["order"] == b"True",
        start=end,
    )


def _shape(text: bytes) -> tuple[int, ...] | None:
    """Return the sizes between the brackets, or None when they are none. Each is looked at once."""
    parts = text.split(b",")
    if not parts[-1].strip():
        parts.pop()
    sizes = [_SIZE.fullmatch(part) for part in parts]
    return None if None in sizes else tuple(int(size[1]) for size in sizes if size is not None)
