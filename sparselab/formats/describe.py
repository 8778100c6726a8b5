"""What was found in a file, as plain values: the answer of `inspect`."""

from __future__ import annotations

from typing import Any

from sparselab.core.ticket import FoundLayer, Ticket

Card = dict[str, Any]


def describe(ticket: Ticket) -> Card:
    """Return {"format", "layers", "skipped", "notes"}; every layer is loaded once, and let go again."""
    return {
        "format": ticket.meta.get("format", ""),
        "layers": [_describe(entry) for entry in ticket.entries],
        "skipped": [{"name": item.name, "reason": item.reason} for item in ticket.skipped],
        "notes": list(ticket.meta.get("notes", ())),
    }


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
        "digest": layer.mask.digest,
    }
