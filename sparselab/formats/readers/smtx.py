"""Patterns of the Deep Learning Matrix Collection (.smtx).

    rows, cols, nnz
    rows + 1 row offsets: first 0, last nnz, never falling
    nnz column indices, from 0, strictly rising within a row

Any white space separates the numbers. Columns of convolutions run kh-kw-cin (ReadOptions.column_order).
Source: Gale, Zaharia, Young, Elsen, "Sparse GPU Kernels for Deep Learning" (2020); the layout as its files have it.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sparselab.core.errors import FileError
from sparselab.formats.base import Archive, ArchiveEntry, Format, Head, check_shape
from sparselab.formats.names import clean_name
from sparselab.formats.options import ReadLimits

_HEADER = re.compile(rb"\s*(\d{1,10})\s*,\s*(\d{1,10})\s*,\s*(\d{1,10})\s")
_HEADER_BYTES = 256
_ALPHABET = b"0123456789 \t\r\n\v\f"


def open_smtx(path: Path, limits: ReadLimits) -> Archive:
    """Return the pattern as one boolean matrix, named after the file.

    Raises: FileError when the header does not fit the file, or the numbers are no pattern of its shape.
    """
    label, size = clean_name(path.name), path.stat().st_size
    with path.open("rb") as file:
        header = _HEADER.match(file.read(_HEADER_BYTES))
    if header is None:
        raise FileError(f'{label}: expected a first line "rows, cols, nnz"; got something else')
    rows, cols, nnz = (int(part) for part in header.groups())
    check_shape(path.stem, (rows, cols), limits)
    if rows * cols == 0 or nnz > rows * cols:
        raise FileError(f"{label}: expected at least one row and column, and at most {rows * cols} indices; got {nnz}")
    count, room = rows + 1 + nnz, size - header.end()
    if 2 * count - 1 > room or size > limits.max_total_bytes:
        raise FileError(f"{label}: expected {count} numbers, as its header says; its {room} bytes cannot hold them")
    shape = (rows, cols)
    entry = ArchiveEntry(
        name=path.stem, shape=shape, dtype=np.dtype(bool), load=lambda: _load(path, header.end(), shape, nnz)
    )
    return Archive((entry,), has_names=False)


def _load(path: Path, start: int, shape: tuple[int, int], nnz: int) -> NDArray[np.bool_]:
    label, (rows, cols) = clean_name(path.name), shape
    text = path.read_bytes()[start:]
    if text.translate(None, _ALPHABET):
        raise FileError(f"{label}: expected nothing but whole numbers after the first line; got other characters")
    numbers = np.fromstring(text, dtype=np.int64, sep=" ")
    if numbers.size != rows + 1 + nnz:
        raise FileError(f"{label}: expected {rows + 1 + nnz} numbers, as its header says; got {numbers.size}")
    offsets, indices = numbers[: rows + 1], numbers[rows + 1 :]
    if offsets[0] != 0 or offsets[-1] != nnz or (np.diff(offsets) < 0).any():
        raise FileError(
            f"{label}: expected row offsets that never fall, from 0 to {nnz}; they start with {offsets[0]} and end with {offsets[-1]}"
        )
    if nnz and indices.max() >= cols:
        raise FileError(f"{label}: expected column indices below {cols}; got {indices.max()}")
    row_of = np.repeat(np.arange(rows), np.diff(offsets))
    if ((np.diff(indices) <= 0) & (np.diff(row_of) == 0)).any():
        raise FileError(f"{label}: expected column indices that rise within each row; some repeat or fall")
    kept = np.zeros(shape, dtype=bool)
    kept[row_of, indices] = True
    return kept


def _recognises(head: Head) -> bool:
    if head.suffix == ".smtx":
        return head.members is None
    header = _HEADER.match(head.start[:_HEADER_BYTES])
    # A table of three columns has commas in its other lines too.
    return header is not None and not head.start[header.end() :].translate(None, _ALPHABET)


FORMAT = Format(
    name="smtx",
    title="a sparse pattern",
    suffixes=(".smtx",),
    recognises=_recognises,
    open=open_smtx,
    parsed_by="python",
    has_shapes=False,
)
