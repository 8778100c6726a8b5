"""Datasets of an HDF5 file (.h5, .hdf5), and of a Keras model (.keras: a zip around model.weights.h5 and config.json).

Names are the paths inside; in what Keras wrote, those of its `weight_names`: "conv2d/kernel:0".
"""

from __future__ import annotations

import io
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from sparselab.core.errors import FileError, SparselabError, UnavailableError
from sparselab.core.inputs.memory import check_memory
from sparselab.core.inputs.words import widen_bfloat16
from sparselab.core.ticket import Skipped
from sparselab.formats.base import Archive, ArchiveEntry, Format, Head, check_total
from sparselab.formats.names import clean_name
from sparselab.formats.options import ReadLimits
from sparselab.formats.parsing.file_window import FileWindow
from sparselab.formats.parsing.hdf5_walk import (
    check_chunks,
    find_item,
    is_bfloat16,
    short_text,
    walk_datasets,
    why_not_read,
)
from sparselab.formats.parsing.keras_layers import KernelKind, is_mask, kernel_kind, layers_of, order_of
from sparselab.formats.parsing.sparse_members import join_sparse
from sparselab.formats.parsing.torch_values import BFLOAT16_NOTE
from sparselab.formats.parsing.zip_members import check_members, content_offset, list_members, read_member

if TYPE_CHECKING:
    import h5py

T = TypeVar("T")

_MAGIC = b"\x89HDF\r\n\x1a\n"
_WEIGHTS, _CONFIG = "model.weights.h5", "config.json"
_WRAPPER = "model_weights/"
# What h5py raises on damaged files, whatever the library in C stumbles over.
_DAMAGED = (RuntimeError, KeyError, ValueError, TypeError, IndexError, AttributeError, OSError, EOFError)


def open_hdf5(path: Path, limits: ReadLimits) -> Archive:
    """Return the plain datasets of a file; only their headers are read.

    Links out of the file, soft links, virtual datasets, foreign filters and what is too large are skipped by name.

    Raises: UnavailableError without h5py, FileError for a damaged file.
    """
    return _reading(path, limits, lambda file, size, config: _archive(path, file, size, config, limits))


def _archive(path: Path, file: h5py.File, size: int, config: str, limits: ReadLimits) -> Archive:
    layers = layers_of(config or short_text(file, "model_config", limits.max_header_bytes))
    places = {name: place for place, name in enumerate(layers)}
    good: dict[str, ArchiveEntry] = {}
    order: dict[str, Any] = {}
    skipped = []
    for where, item in walk_datasets(file, limits):
        reason = item if isinstance(item, str) else why_not_read(item, size, limits)
        if isinstance(item, str) or reason:
            skipped.append(Skipped(clean_name(where), reason))
        else:
            layer_name = short_text(item.parent, "name")
            good[where] = _entry(path, where, item, kernel_kind(where, layer_name, item.shape, layers), limits)
            order[where] = order_of(where, layer_name, places)
    names = {where: _short(file, where) for where in sorted(good, key=order.__getitem__)}
    often = Counter(names.values())
    entries = [replace(good[where], name=name if often[name] == 1 else where) for where, name in names.items()]
    check_total(entries, limits)
    sparse = join_sparse(entries, {}, path.stem, limits)
    check_total(sparse.entries, limits)
    notes = (BFLOAT16_NOTE,) if any(entry.stored for entry in entries) else ()
    return Archive(sparse.entries, (*skipped, *sparse.skipped), notes=(*notes, *sparse.notes))


def _entry(path: Path, where: str, item: h5py.Dataset, kind: KernelKind, limits: ReadLimits) -> ArchiveEntry:
    is_half = is_bfloat16(item)
    shape = item.shape
    if kind.depthwise:  # (h, w, in, multiplier) are the same numbers in the same order as (h, w, 1, in * multiplier)
        shape = (*shape[:-2], 1, shape[-2] * shape[-1])

    def load() -> NDArray[Any]:
        return _load(path, where, limits).reshape(shape)

    return ArchiveEntry(
        name=where,
        shape=shape,
        dtype=np.dtype(np.float32) if is_half else item.dtype.newbyteorder("="),
        load=(lambda: widen_bfloat16(load())) if is_half else load,
        role="mask" if is_mask(where) else "unknown",
        stored="bfloat16" if is_half else "",
        load_stored=load if is_half else None,
        axes=kind.axes,
        geometry=kind.geometry,
    )


def _short(file: h5py.File, where: str) -> str:
    """Return the name by which Keras's `weight_names` know a variable: its path without the group of its layer."""
    wrapper = _WRAPPER if where.startswith(_WRAPPER) else ""
    layer, _, name = where.removeprefix(wrapper).partition("/")
    return (
        name if name and "weight_names" in find_item(file, f"{wrapper}{layer}").attrs else where.removeprefix(wrapper)
    )


def _load(path: Path, where: str, limits: ReadLimits) -> NDArray[Any]:
    def load(file: h5py.File, size: int, _: str) -> NDArray[Any]:
        import h5py

        dataset = find_item(file, where)
        if not isinstance(dataset, h5py.Dataset) or why_not_read(dataset, size, limits):
            raise FileError(f"expected {clean_name(where)} as it was; the file has changed")
        check_chunks(dataset, size, limits)
        check_memory(prod(dataset.shape) * dataset.dtype.itemsize)
        values = np.asarray(dataset[()])
        return values.view(np.uint16) if values.dtype.kind == "V" else values.astype(values.dtype.newbyteorder("="))

    return _reading(path, limits, load)


def _reading(path: Path, limits: ReadLimits, read: Callable[[h5py.File, int, str], T]) -> T:
    """Return what `read` makes of the open file, its size, and Keras's config; every fault of the file becomes a sentence.

    Raises: FileError, UnavailableError without h5py.
    """
    label = clean_name(path.name)
    try:
        with _opened(path, limits) as (file, size, config):
            return read(file, size, config)
    except UnavailableError:
        raise
    except SparselabError as error:
        raise FileError(f"{label}: {error}") from None
    except _DAMAGED as error:
        if isinstance(error, OSError) and not path.is_file():
            raise
        raise FileError(f"{label}: expected a whole HDF5 file; it is damaged: send it again") from None


@contextmanager
def _opened(path: Path, limits: ReadLimits) -> Iterator[tuple[h5py.File, int, str]]:
    try:
        import h5py
    except ImportError:
        raise UnavailableError("expected h5py, which reads HDF5; it is not installed: pip install h5py") from None
    with path.open("rb") as raw:
        is_zip = raw.read(len(_MAGIC)) != _MAGIC
    if not is_zip:
        with h5py.File(path, "r", locking=False) as file:
            yield file, path.stat().st_size, ""
        return
    members = {member.filename: member for member in list_members(path)}
    check_members(list(members.values()), path, limits)
    weights, config = members[_WEIGHTS], members.get(_CONFIG)
    text = ""
    if config is not None and config.file_size <= limits.max_header_bytes:
        text = bytes(read_member(path, config)).decode("utf-8", "replace")
    with _stream(path, weights) as stream, h5py.File(stream, "r") as file:
        yield file, weights.file_size, text


def _stream(path: Path, member: zipfile.ZipInfo) -> io.BufferedIOBase:
    """Return a member as a file: a window on the archive where it lies there as it is, which is how Keras writes it."""
    if member.compress_type != zipfile.ZIP_STORED:
        return io.BytesIO(read_member(path, member))
    return io.BufferedReader(FileWindow(path, content_offset(path, member), member.compress_size))


def _recognises(head: Head) -> bool:
    return head.start.startswith(_MAGIC) or _WEIGHTS in (head.members or ())


FORMAT = Format(
    name="hdf5",
    title="an HDF5 file",
    suffixes=(".h5", ".hdf5", ".keras"),
    recognises=_recognises,
    open=open_hdf5,
    has_shapes=True,
)
