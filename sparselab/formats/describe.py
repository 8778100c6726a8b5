"""What was found in a file, as plain values: the answer of `inspect`."""

from __future__ import annotations

from typing import Any

from sparselab.core.errors import FileError
from sparselab.core.ticket import FoundLayer, Ticket
from sparselab.formats.kinds.by_name import SHAPE_RULES

Card = dict[str, Any]


def describe(ticket: Ticket) -> Card:
    """Return {"format", "layers", "skipped", "notes"}; every layer is loaded once, and let go again.

    A layer that cannot be read, for NaN and infinite weights, is among the skipped. Raises: its FileError where no other is left.
    """
    layers: list[Card] = []
    failed: dict[str, FileError] = {}
    for entry in ticket.entries:
        try:
            layers.append(_describe(entry))
        except FileError as error:
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
    """Return the notes of a card, those of layers once each with the names that they are true of.

    Example: >>> layers = [{"name": name, "notes": ["read as IO"]} for name in ("a", "b", "c", "d")]
             >>> notes_of({"notes": ["named .pt"], "layers": layers})
             ['named .pt', 'a, b, c and 1 more: read as IO']
    """
    names: dict[str, list[str]] = {}
    for layer in card["layers"]:
        for note in layer.get("notes", ()):
            names.setdefault(note, []).append(layer["name"])
    return [*card["notes"], *(f"{_some(found)}: {note}" for note, found in names.items())]


def skipped_of(card: Card) -> list[str]:
    """Return what a card left alone, in words: vectors and scalars are counted, the others stand by reason.

    Example: >>> skipped_of({"skipped": [{"name": "a", "reason": "a vector"}, {"name": "b", "reason": "a vector"}]})
             ['2 vectors']
    """
    names: dict[str, list[str]] = {}
    for item in card["skipped"]:
        names.setdefault(item["reason"], []).append(item["name"])
    words = {SHAPE_RULES[kind].text(): kind for kind in ("vector", "scalar")}
    counted = [
        f"{len(names[text])} {kind}{'s' * (len(names[text]) != 1)}" for text, kind in words.items() if text in names
    ]
    return [f"{_some(found)}: {reason}" for reason, found in names.items() if reason not in words] + counted


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _describe(entry: FoundLayer) -> Card:
    layer = entry.load()
    return {
        "name": layer.name,
        "shape": list(layer.mask.shape),
        "kernel_shape": None if layer.kernel_shape is None else list(layer.kernel_shape),
        "groups": layer.groups,
        "density": layer.mask.density,
        "count": layer.mask.count,
        "has_weight": layer.weight is not None,
        "conversion": entry.conversion,
        "notes": [*entry.notes, *layer.notes],
        "digest": layer.mask.digest,
    }
