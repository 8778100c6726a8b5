"""From a file to a ticket."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from sparselab.core.errors import FileError
from sparselab.core.ticket import FoundLayer, Ticket
from sparselab.formats.detect import note_on_suffix, recognise
from sparselab.formats.kinds.finding import find_layers
from sparselab.formats.names import clean_name
from sparselab.formats.options import DEFAULT_LIMITS, DEFAULT_OPTIONS, ReadLimits, ReadOptions
from sparselab.formats.ticket_file import is_own, open_own

T = TypeVar("T")


def read_ticket(
    path: str | Path, options: ReadOptions = DEFAULT_OPTIONS, limits: ReadLimits = DEFAULT_LIMITS
) -> Ticket:
    """Return the layers of a file, whatever format it is in; each is read when it is asked for.

    `meta` holds "format" (a name in FORMATS, or "sparselab" for its own files), "container" (a name in FORMATS), "file" and "notes".

    Raises: FileError, in one sentence, for a file that is damaged, unknown, asks for too much, holds no layer, or
    could not be opened without running what is in it; loading a layer raises it for NaN and infinite weights.
    """
    path = Path(path)
    kind = recognise(path)
    archive = readable(path, lambda: kind.open(path, limits))
    notes = [note for note in (note_on_suffix(path, kind), *archive.notes) if note]
    meta: dict[str, Any] = {"format": kind.name, "container": kind.name, "file": clean_name(path.name), "notes": notes}
    if is_own(archive):
        meta["format"] = "sparselab"
        found, skipped = open_own(archive, limits)
    else:
        found, skipped, more = find_layers(archive, options, limits, has_shapes=kind.has_shapes)
        notes += more
    return Ticket(tuple(_guard(path, item) for item in found), skipped, meta)


def _guard(path: Path, item: FoundLayer) -> FoundLayer:
    return replace(item, load=lambda: readable(path, item.load))


def readable(path: Path, read: Callable[[], T]) -> T:
    """Return what `read` does. Raises: FileError also where the file cannot be opened."""
    try:
        return read()
    except OSError as error:  # the file may vanish between two layers
        raise FileError(f"{clean_name(path.name)}: expected a file that can be read; got {error.strerror}") from None
