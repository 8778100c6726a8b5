"""Arrays into .npz and .npy: a file of their own, or in place of some of another file's."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from sparselab.core.errors import FileError
from sparselab.formats.options import ReadLimits
from sparselab.formats.parsing.npy_header import PEEK_BYTES, parse_header
from sparselab.formats.parsing.zip_members import check_members, list_members, read_member, stream_member
from sparselab.formats.writing.tensors import BFLOAT16, Changes, NewTensor, check_changed, widen_bfloat16

_ENDING = ".npy"


def write_npz(tensors: Iterable[NewTensor], path: Path) -> None:
    """Write tensors to an archive, one at a time; bfloat16, which NumPy lacks, becomes float32."""
    # Not np.savez: it takes the names as keyword arguments, and a layer may be called "file".
    names = set()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for tensor in tensors:
            if tensor.name in names:
                raise FileError(f"{tensor.name}: expected every name once; it comes twice: choose another form")
            names.add(tensor.name)
            with archive.open(f"{tensor.name}{_ENDING}", "w", force_zip64=True) as member:
                _write_array(member, _array(tensor))


def rewrite_npz(source: Path, changes: Changes, out: Path, limits: ReadLimits) -> tuple[str, ...] | None:
    """Write an archive with some arrays changed; every other member is copied as it is, arrays or not.

    Returns: None where a tensor is made of several arrays, as a sparse matrix is.
    """
    members = list_members(source)
    check_members(members, source, limits)
    if changes.keys() - {(member.filename.removesuffix(_ENDING), "unknown") for member in members}:
        return None
    with zipfile.ZipFile(out, "w") as archive:
        for member in members:
            news = changes.get((member.filename.removesuffix(_ENDING), "unknown"))
            if news is None:
                with archive.open(_member(member.filename, member), "w", force_zip64=True) as copy:
                    for piece in stream_member(source, member):
                        copy.write(piece)
                continue
            old = bytes(read_member(source, member)[:PEEK_BYTES])
            for new in news:
                with archive.open(_member(f"{new.name}{_ENDING}", member), "w", force_zip64=True) as changed:
                    _write_array(changed, _as_before(_array(new), old, member.filename, limits))
    return ()


def rewrite_npy(source: Path, changes: Changes, out: Path, limits: ReadLimits) -> tuple[str, ...]:
    """Write the one array of a file anew. Raises: FileError for a pair, which takes two."""
    check_changed(changes, [(source.stem, "unknown")])
    with source.open("rb") as file, out.open("wb") as copy:
        news = changes.get((source.stem, "unknown"))
        if news is None:
            while piece := file.read(2**22):
                copy.write(piece)
            return ()
        if len(news) != 1:
            raise FileError(f"{source.name}: expected one array; got a weight and its mask: write an .npz file")
        old = file.read(PEEK_BYTES)
        _write_array(copy, _as_before(_array(news[0]), old, source.name, limits))
    return ()


def _member(name: str, like: zipfile.ZipInfo) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name, like.date_time)
    member.compress_type, member.external_attr = like.compress_type, like.external_attr
    return member


def _array(tensor: NewTensor) -> NDArray[Any]:
    values = tensor.load()
    if tensor.stored == BFLOAT16 and values.dtype != np.float32:
        return widen_bfloat16(values)
    if tensor.stored not in (BFLOAT16, values.dtype.name):
        raise FileError(
            f"{tensor.name}: expected a type that NumPy has; got {tensor.stored}: write .safetensors or .pt"
        )
    return values


def _as_before(values: NDArray[Any], old: bytes, name: str, limits: ReadLimits) -> NDArray[Any]:
    """An array in the byte order and the order of axes in memory that the file's own has."""
    header = parse_header(old, name, limits)
    if header.dtype is not None and header.dtype.newbyteorder("=") == values.dtype:
        values = values.astype(header.dtype, copy=False)
    return np.asfortranarray(values) if header.fortran_order else np.ascontiguousarray(values)


def _write_array(file: IO[bytes], values: NDArray[Any]) -> None:
    np.lib.format.write_array(file, values, allow_pickle=False)
