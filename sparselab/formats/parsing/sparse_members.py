"""Arrays of an archive that belong together: the parts of sparse tensors, and packed bits with their shape.

    csr, csc, bsr   data, indices, indptr, shape, format        scipy.sparse.save_npz
    coo             data, row, col (or coords), shape, format
    dia             data, offsets, shape, format
    COO             data, coords, shape, fill_value             sparse.save_npz (pydata); newer ones with a format
    GCXS            data, indices, indptr, compressed_axes, shape, fill_value

Several such tensors may lie in one archive, each with a prefix of its own that ends in ".", "_" or "/". Members are known by
their names and by what their headers say; where only the names fit, they are left as the plain arrays they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparselab.core.errors import FileError
from sparselab.core.ticket import Skipped
from sparselab.formats.base import ArchiveEntry
from sparselab.formats.names import clean_name
from sparselab.formats.options import ReadLimits
from sparselab.formats.parsing.sparse_arrays import (
    SparseArray,
    check_density,
    compressed,
    coordinates,
    diagonals,
    gcxs,
)

_PART = re.compile(
    r"(?P<prefix>(?:.*[._/])??)"
    r"(?P<part>data|indices|indptr|row|col|coords|offsets|shape|format|fill_value|compressed_axes|_is_array)",
    re.DOTALL,
)
_INDEX_RANKS = {
    "indices": 1,
    "indptr": 1,
    "row": 1,
    "col": 1,
    "coords": 2,
    "offsets": 1,
    "shape": 1,
    "compressed_axes": 1,
}
_DATA_RANKS = {"csr": 1, "csc": 1, "bsr": 3, "coo": 1, "dia": 2, "COO": 1, "GCXS": 1}
_LAYOUTS = tuple(_DATA_RANKS)[:5]
_PYDATA = "gcxs"
_MOST_SIZES = 16


@dataclass(frozen=True)
class Joined:
    """What an archive holds once parts are brought together."""

    entries: tuple[ArchiveEntry, ...]
    skipped: tuple[Skipped, ...]
    notes: tuple[str, ...]
    used: frozenset[str]


def join_sparse(entries: Iterable[ArchiveEntry], texts: Mapping[str, str], unnamed: str, limits: ReadLimits) -> Joined:
    """Return the entries with the parts of every sparse tensor replaced by the tensor; what is wrong with one is its reason.

    `texts` are the short texts of the archive, by name: the layouts' names. `unnamed` is what a tensor without prefix is called.
    """
    kept, skipped, notes, used = {entry.name: entry for entry in entries}, [], [], set()
    for prefix, parts in _groups(kept.values()).items():
        text = texts.get(f"{prefix}format", "").lower() or None
        kind = _kind(parts, text)
        if kind is None:
            continue
        name = prefix.rstrip("._/") or unnamed
        for entry in parts.values():
            del kept[entry.name]
        used.add(f"{prefix}format")
        try:
            tensor = _read(name, kind, parts, limits)
            notes += [f"{clean_name(name)}: {remark}" for remark in tensor.remarks()]
        except FileError as error:
            skipped.append(Skipped(clean_name(name), f"a sparse tensor ({kind}) that is damaged: {error}"))
        else:
            kept[prefix + "data"] = _entry(name, kind, parts, tensor, limits)
    return Joined(tuple(kept.values()), tuple(skipped), tuple(notes), frozenset(used))


def _groups(entries: Iterable[ArchiveEntry]) -> dict[str, dict[str, ArchiveEntry]]:
    groups: dict[str, dict[str, ArchiveEntry]] = {}
    for entry in entries:
        if found := _PART.fullmatch(entry.name):
            groups.setdefault(found["prefix"], {})[found["part"]] = entry
    return groups


def _kind(parts: Mapping[str, ArchiveEntry], text: str | None) -> str | None:
    """Return the layout of a group of members, or None where they are no sparse tensor."""
    names = parts.keys()
    if not {"data", "shape"} <= names or text in _LAYOUTS:
        return text if {"data", "shape"} <= names else None
    rank = len(parts["data"].shape)
    if text not in (None, _PYDATA):
        return None
    if {"indices", "indptr"} <= names:
        kind = "GCXS" if "compressed_axes" in names else "bsr" if rank == 3 else "csr or csc"
    elif "coords" in names or {"row", "col"} <= names:
        kind = "COO" if "coords" in names else "coo"
    elif "offsets" in names:
        kind = "dia"
    else:
        return None
    return kind if _fits(kind, parts) else None


def _fits(kind: str, parts: Mapping[str, ArchiveEntry]) -> bool:
    """Whether the headers of a layout's members are those of its indices and values."""
    # SciPy keeps the coords of a coo of several dimensions as pydata's COO does, beside no row and col.
    return len(parts["data"].shape) == _DATA_RANKS.get(kind, 1) and all(
        entry.dtype.kind in "iu" and len(entry.shape) == _INDEX_RANKS[part]
        for part, entry in parts.items()
        if part in _INDEX_RANKS
    )


def _read(name: str, kind: str, parts: Mapping[str, ArchiveEntry], limits: ReadLimits) -> SparseArray:
    """Load the parts and check them. Raises: FileError, without the tensor's name, for what does not fit."""
    if not _fits(kind, parts) or not 0 < parts["shape"].size <= _MOST_SIZES:
        raise FileError("expected whole numbers as its indices and shape, and values that fit them; got others")
    shape = tuple(int(size) for size in parts["shape"].load())
    stored = sum(entry.size * entry.dtype.itemsize for entry in parts.values())
    check_density(name, shape, stored, limits)
    if "fill_value" in parts and parts["fill_value"].size == 1 and (fill := parts["fill_value"].load().item()) != 0:
        raise FileError(f"expected 0 where nothing is stored; its fill_value is {fill}")
    if kind == "csr or csc":
        kind = _which(parts["indptr"].shape[0], shape)
    needed = {"coo": {"row", "col"}, "COO": {"coords"}, "dia": {"offsets"}}.get(kind, {"indices", "indptr"})
    if missing := needed - parts.keys() - ({"row", "col"} if "coords" in parts else set()):
        raise FileError(f"expected {' and '.join(sorted(missing))} beside its data; got none")
    arrays: dict[str, NDArray[Any]] = {part: entry.load() for part, entry in parts.items() if part != "format"}
    if kind in ("coo", "COO"):
        return coordinates(arrays, shape)
    if kind == "dia":
        return diagonals(arrays, shape)
    return gcxs(arrays, shape) if kind == "GCXS" else compressed(arrays, shape, kind)


def _which(offsets: int, shape: tuple[int, ...]) -> str:
    """Tell by the number of offsets whether rows or columns are compressed, where no member says it."""
    fitting = [kind for kind, size in zip(("csr", "csc"), shape[:2], strict=False) if offsets == size + 1]
    if len(fitting) != 1:
        raise FileError("expected its format, csr or csc, beside it: write it with scipy.sparse.save_npz")
    return fitting[0]


def _entry(
    name: str, kind: str, parts: Mapping[str, ArchiveEntry], tensor: SparseArray, limits: ReadLimits
) -> ArchiveEntry:
    def load() -> NDArray[Any]:
        return _read(name, kind, parts, limits).dense()

    return ArchiveEntry(
        name=name,
        shape=tensor.shape,
        dtype=np.dtype(tensor.dtype),
        load=load,
        role="mask" if tensor.is_mask else "unknown",
    )
