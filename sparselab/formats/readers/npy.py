"""One NumPy array (.npy)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparselab.core.errors import FileError
from sparselab.core.ticket import Skipped
from sparselab.formats.base import Archive, ArchiveEntry, Format, Head, read_array
from sparselab.formats.names import clean_name
from sparselab.formats.options import ReadLimits
from sparselab.formats.parsing.npy_header import MAGIC, PEEK_BYTES, NpyHeader, parse_header


def open_npy(path: Path, limits: ReadLimits) -> Archive:
    """Return the one array of a file, named after the file. Raises: FileError when its size is not what it says."""
    with path.open("rb") as file:
        header = parse_header(file.read(PEEK_BYTES), path.name, limits)
    dtype, size = header.dtype, path.stat().st_size
    if dtype is None:
        return Archive((), (Skipped(clean_name(path.stem), f"{header.type_name} are never read"),))
    if size != header.size_bytes:
        raise FileError(f"{clean_name(path.name)}: expected {header.size_bytes} bytes, as its header says; got {size}")
    entry = ArchiveEntry(
        name=path.stem, shape=header.shape, dtype=dtype.newbyteorder("="), load=lambda: _load(path, header, dtype)
    )
    return Archive((entry,), has_names=False)


def _load(path: Path, header: NpyHeader, dtype: np.dtype[Any]) -> NDArray[Any]:
    if not header.fortran_order:
        return read_array(path, header.start, dtype, header.shape)
    return read_array(path, header.start, dtype, header.shape[::-1]).transpose()


def _recognises(head: Head) -> bool:
    return head.start.startswith(MAGIC)


FORMAT = Format(
    name="npy",
    title="a NumPy array",
    suffixes=(".npy",),
    recognises=_recognises,
    open=open_npy,
    parsed_by="header",
    has_shapes=False,
)
