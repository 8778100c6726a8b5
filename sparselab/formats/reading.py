"""From a file to a ticket."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from sparselab.core.errors import FileError, LimitError
from sparselab.core.inputs.memory import available_memory, check_room
from sparselab.core.ticket import FoundLayer, Ticket
from sparselab.formats.base import Archive, ArchiveEntry
from sparselab.formats.combiners import combine
from sparselab.formats.detect import note_on_suffix, recognise
from sparselab.formats.kinds.finding import find_layers
from sparselab.formats.kinds.second_file import with_masks
from sparselab.formats.names import clean_name
from sparselab.formats.options import DEFAULT_LIMITS, DEFAULT_OPTIONS, ReadLimits, ReadOptions
from sparselab.formats.parsing.shard_index import CONFIG_COUNTS
from sparselab.formats.ticket_file import is_own, open_own

_LARGE = 2**26  # weights: below, no machine lacks the memory
_LAYER_BYTES = 7  # a weight while it is loaded: as it is stored (2), as float32 (4), and its bit of the mask (1)

T = TypeVar("T")


def read_ticket(
    path: str | Path, options: ReadOptions = DEFAULT_OPTIONS, limits: ReadLimits = DEFAULT_LIMITS
) -> Ticket:
    """Return the layers of a file, whatever format it is in; each is read when it is asked for.

    `meta` holds "format" (a name in FORMATS, or "sparselab" for its own files), "container" (a name in FORMATS), "file" and "notes",
    and of a model's folder "config": what its config.json counts, as texts.

    Raises: FileError, in one sentence, for a file that is damaged, unknown, asks for too much, holds no layer, or
    could not be opened without running what is in it; loading a layer raises it for NaN and infinite weights, and
        LimitError where the layer does not fit into memory.
    """
    path = Path(path)
    return readable(path, lambda: _read(path, options, limits))


def _read(path: Path, options: ReadOptions, limits: ReadLimits) -> Ticket:
    kind = recognise(path)
    archive = combine(kind.open(path, limits))
    archive = add_masks(path, archive, options, limits)
    notes = [note for note in (note_on_suffix(path, kind), *archive.notes) if note]
    meta: dict[str, Any] = {"format": kind.name, "container": kind.name, "file": clean_name(path.name), "notes": notes}
    if config := {name: archive.metadata[name] for name in CONFIG_COUNTS if name in archive.metadata}:
        meta["config"] = config
    if is_own(archive):
        meta["format"] = "sparselab"
        found, skipped = open_own(archive, limits)
    else:
        found, skipped, more = find_layers(archive, options, limits, has_shapes=kind.has_shapes)
        notes += more
    return Ticket(tuple(_guard(path, item) for item in found), skipped, meta)


def add_masks(path: Path, archive: Archive, options: ReadOptions, limits: ReadLimits) -> Archive:
    """Return what lies in a file, with the masks of the second file that the options name, if they do.

    Raises: FileError for a second file that cannot be read, and for a first one that needs none.
    """
    if options.masks is None:
        return archive
    if is_own(archive):
        raise FileError(f"{clean_name(path.name)}: expected weights for the masks; got a file that holds its own masks")
    second = Path(options.masks)
    return with_masks(archive, _masks_of(second, limits), clean_name(second.name))


def _masks_of(path: Path, limits: ReadLimits) -> Archive:
    """Return the tensors of the file of masks; of sparselab's own, the masks of its layers."""
    kind = recognise(path)
    archive = readable(path, lambda: kind.open(path, limits))
    if not is_own(archive):
        return archive
    found, _ = open_own(archive, limits)
    return Archive(tuple(map(_mask_entry, found)))


def _mask_entry(item: FoundLayer) -> ArchiveEntry:
    def load() -> NDArray[np.bool_]:
        return item.load().mask.kept.reshape(item.tensor_shape)

    return ArchiveEntry(name=item.name, shape=item.tensor_shape, dtype=np.dtype(bool), load=load, role="mask")


def _guard(path: Path, item: FoundLayer) -> FoundLayer:
    return replace(
        item,
        load=partial(_checked, path, item, item.load),
        load_mask=None if item.load_mask is None else partial(_checked, path, item, item.load_mask),
        survey=None if item.survey is None else partial(_checked, path, item, item.survey),
        load_stored=None if item.load_stored is None else partial(_checked, path, item, item.load_stored),
    )


def _checked(path: Path, item: FoundLayer, read: Callable[[], T]) -> T:
    if item.size >= _LARGE:
        check_room(item.name, _LAYER_BYTES * item.size)
    return readable(path, read)


def readable(path: Path, read: Callable[[], T]) -> T:
    """Return what `read` does. Raises: FileError also where the file cannot be opened, LimitError where memory is short."""
    try:
        return read()
    except MemoryError:
        free = available_memory() / 2**30
        raise LimitError(
            f"{clean_name(path.name)}: this needs more memory than the {free:.1f} GiB that are free"
        ) from None
    except OSError as error:  # the file may vanish between two layers
        raise FileError(f"{clean_name(path.name)}: expected a file that can be read; got {error.strerror}") from None
