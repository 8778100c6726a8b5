"""What was found in a file, as plain values: the answer of `inspect`."""

from __future__ import annotations

from typing import Any

from sparselab.core.errors import FileError, LimitError, SparselabError
from sparselab.core.ticket import FoundLayer, Ticket
from sparselab.formats.options import DEFAULT_OPTIONS, ReadOptions
from sparselab.formats.reading import read_ticket
from sparselab.runtime.progress import SILENT, Monitor

Card = dict[str, Any]

COUNTED_BYTES = 512 * 2**20
"""Files whose layers take less as float32 are counted at once; of larger ones the headers say all but what a mask keeps."""

NOT_COUNTED = "not counted yet"
"""What stands for the density, the count and the digest of a layer that was not read."""


def describe(ticket: Ticket, *, count: bool | None = None, monitor: Monitor = SILENT) -> Card:
    """Return {"format", "layers", "skipped", "notes"}.

    count: whether each layer is read, one at a time, to say what its mask keeps; without it "density", "count" and "digest" are
        None, and "has_weight" is where only reading tells. None: whether all layers together take less than COUNTED_BYTES.
    A layer that cannot be read, for NaN and infinite weights or for want of memory, is among the skipped. Raises: its error where
    no other is left; Cancelled.
    """
    if count is None:
        count = 4 * sum(entry.size for entry in ticket.entries) < COUNTED_BYTES
    layers: list[Card] = []
    failed: dict[str, SparselabError] = {}
    for done, entry in enumerate(ticket.entries):
        if count:
            monitor.progress(f"counting {entry.name}", done, len(ticket))
        try:
            layers.append(describe_layer(entry, count=count))
        except (FileError, LimitError) as error:
            failed[entry.name] = error
    if failed and not layers:
        raise next(iter(failed.values()))
    skipped = [{"name": item.name, "reason": item.reason} for item in ticket.skipped]
    return {
        "format": ticket.meta.get("format", ""),
        "layers": layers,
        "skipped": skipped + [{"name": name, "reason": str(error)} for name, error in failed.items()],
        "notes": list(ticket.meta.get("notes", ())),
    }


def describe_layer(entry: FoundLayer, *, count: bool) -> Card:
    """Return what a card says of one layer; with `count` it is read, its mask counted, and let go again."""
    out, _, *kernel = entry.tensor_shape
    card: Card = {
        "name": entry.name,
        "shape": [out, entry.size // out],
        "kernel_shape": kernel or None,
        "density": None,
        "count": None,
        "has_weight": entry.has_weight,
        "conversion": entry.conversion,
        "digest": None,
    }
    if count:
        if entry.survey is None:
            layer = entry.load()
            mask, has_weight = layer.mask, layer.weight is not None
        else:
            mask, has_weight = entry.survey()
        card |= {"density": mask.density, "count": mask.count, "has_weight": has_weight, "digest": mask.digest}
    return card


def card_of_path(path: str, options: ReadOptions = DEFAULT_OPTIONS, *, monitor: Monitor = SILENT) -> Card:
    """Describe a file or folder; made for a worker, because a large one takes seconds."""
    monitor.progress("reading the file")
    return describe(read_ticket(path, options), monitor=monitor)


def card_of_layer(path: str, name: str, options: ReadOptions = DEFAULT_OPTIONS, *, monitor: Monitor = SILENT) -> Card:
    """Describe one layer of a file, counted; made for a worker."""
    monitor.progress(f"counting {name}")
    return describe_layer(read_ticket(path, options).found(name), count=True)
