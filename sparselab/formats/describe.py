"""What was found in a file, as plain values: the answer of `inspect`."""

from __future__ import annotations

from collections import Counter
from typing import Any

from sparselab.core.errors import FileError, LimitError, SparselabError
from sparselab.core.ticket import FoundLayer, Ticket, survey_of
from sparselab.formats.kinds.by_name import SHAPE_RULES
from sparselab.formats.merging import merged
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


def notes_of(card: Card) -> list[str]:
    """Return the notes of a card; those of layers that differ in names alone are one.

    Example: >>> layers = [{"name": name, "notes": ["read as IO"]} for name in ("a", "b", "c", "d")]
             >>> notes_of({"notes": ["named .pt"], "layers": layers})
             ['named .pt', 'a, b, c and 1 more: read as IO']
    """
    said = merged((layer["name"], note) for layer in card["layers"] for note in layer.get("notes", ()))
    return [*card["notes"], *said]


def skipped_of(card: Card) -> list[str]:
    """Return what a card left alone, in words: vectors and scalars are counted, the others stand by reason, which may differ in names.

    Example: >>> skipped_of({"skipped": [{"name": "a", "reason": "a vector"}, {"name": "b", "reason": "a vector"}]})
             ['2 vectors']
    """
    words = {SHAPE_RULES[kind].text(): kind for kind in ("vector", "scalar")}
    reasons = [(item["name"], item["reason"]) for item in card["skipped"]]
    counts = Counter(reason for _, reason in reasons if reason in words)
    counted = [f"{counts[text]} {kind}{'s' * (counts[text] != 1)}" for text, kind in words.items() if counts[text]]
    return merged(each for each in reasons if each[1] not in words) + counted


def describe_layer(entry: FoundLayer, *, count: bool) -> Card:
    """Return what a card says of one layer; with `count` it is read, its mask counted, and let go again."""
    out, _, *kernel = entry.tensor_shape
    card: Card = {
        "name": entry.name,
        "shape": [out, entry.size // out],
        "kernel_shape": kernel or None,
        "groups": entry.groups,
        "density": None,
        "count": None,
        "has_weight": entry.has_weight,
        "conversion": entry.conversion,
        "notes": list(entry.notes),
        "digest": None,
    }
    if not count:
        return card
    seen = entry.survey() if entry.survey is not None else survey_of(entry.load())
    mask, notes = seen.mask, [*entry.notes, *seen.notes]
    told = {"density": mask.density, "count": mask.count, "has_weight": seen.has_weight, "digest": mask.digest}
    return {**card, **told, "notes": notes}


def card_of_path(path: str, options: ReadOptions = DEFAULT_OPTIONS, *, monitor: Monitor = SILENT) -> Card:
    """Describe a file or folder; made for a worker, because a large one takes seconds."""
    monitor.progress("reading the file")
    return describe(read_ticket(path, options), monitor=monitor)


def card_of_layer(path: str, name: str, options: ReadOptions = DEFAULT_OPTIONS, *, monitor: Monitor = SILENT) -> Card:
    """Describe one layer of a file, counted; made for a worker."""
    monitor.progress(f"counting {name}")
    return describe_layer(read_ticket(path, options).found(name), count=True)
