"""Named NumPy arrays in a zip archive (.npz): dense ones, the parts of sparse ones, masks as packed bits."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparselab.core.errors import FileError
from sparselab.core.ticket import Skipped
from sparselab.formats.base import Archive, ArchiveEntry, Format, Head, check_total
from sparselab.formats.names import clean_name
from sparselab.formats.options import ReadLimits
from sparselab.formats.parsing.npy_header import PEEK_BYTES, NpyHeader, parse_header
from sparselab.formats.parsing.packed_bits import join_packed
from sparselab.formats.parsing.sparse_members import join_sparse
from sparselab.formats.parsing.zip_members import check_members, list_members, read_member, stream_member

_ENDING = ".npy"
_SHORT_TEXT = re.compile(r"[<>|=]?[SU]\d")


def open_npz(path: Path, limits: ReadLimits) -> Archive:
    """Return the arrays of an archive: every header is read and weighed before any data.

    Parts of a sparse matrix, such as scipy.sparse.save_npz writes, are read at once, because each must fit the others.

    Raises: FileError for a damaged archive, names that come twice, and sizes that do not fit.
    """
    members = list_members(path)
    check_members(members, path, limits)
    entries, skipped, texts = [], [], {}
    for member in members:
        name = member.filename.removesuffix(_ENDING)
        if name == member.filename:
            skipped.append(Skipped(clean_name(name), "not a NumPy array"))
            continue
        header = parse_header(_peek(path, member), name, limits)
        if header.shape == () and _SHORT_TEXT.fullmatch(header.code):
            texts[name] = _text(read_member(path, member)[header.start :], header)
        if header.dtype is None:
            skipped.append(Skipped(clean_name(name), f"{header.type_name} are never read"))
            continue
        if member.file_size != header.size_bytes:
            raise FileError(
                f"{clean_name(name)}: expected {header.size_bytes} bytes, as its header says; got {member.file_size}"
            )
        entries.append(_entry(path, member, name, header, header.dtype))
    check_total(entries, limits)
    sparse = join_sparse(entries, texts, path.stem, limits)
    packed = join_packed(sparse.entries, limits)
    check_total(packed.entries, limits)
    said = [item for item in skipped if item.name not in {clean_name(name) for name in sparse.used}]
    return Archive(packed.entries, (*said, *sparse.skipped, *packed.skipped), notes=(*sparse.notes, *packed.notes))


def _text(content: bytearray, header: NpyHeader) -> str:
    value = np.frombuffer(content, header.code, count=1)[0] if len(content) == np.dtype(header.code).itemsize else ""
    return value.decode("latin1") if isinstance(value, bytes) else str(value)


def _entry(path: Path, member: zipfile.ZipInfo, name: str, header: NpyHeader, dtype: np.dtype[Any]) -> ArchiveEntry:
    def load() -> NDArray[Any]:
        values: NDArray[Any] = np.frombuffer(read_member(path, member), dtype, offset=header.start)
        values = values.astype(dtype.newbyteorder("="), copy=False)
        return values.reshape(header.shape, order="F" if header.fortran_order else "C")

    return ArchiveEntry(name=name, shape=header.shape, dtype=dtype.newbyteorder("="), load=load)


def _peek(path: Path, member: zipfile.ZipInfo) -> bytes:
    start = b""
    for piece in stream_member(path, member):
        start += piece
        if len(start) >= PEEK_BYTES:
            break
    return start


def _recognises(head: Head) -> bool:
    members = head.members
    return members is not None and (any(name.endswith(_ENDING) for name in members) or not members)


FORMAT = Format(
    name="npz",
    title="a NumPy archive",
    suffixes=(".npz",),
    recognises=_recognises,
    open=open_npz,
    parsed_by="python",
    has_shapes=False,
)
