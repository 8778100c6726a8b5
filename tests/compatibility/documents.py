"""What is written down of old work, alike for the code that made it and for today's: nothing of the package is imported."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import numpy as np


def keys(document: Any, path: str = "") -> set[str]:
    """Return the paths of all keys in a JSON document, [] for the items of a list."""
    if isinstance(document, dict):
        below = [{f"{path}.{key}", *keys(value, f"{path}.{key}")} for key, value in document.items()]
    else:
        below = [keys(item, path + "[]") for item in document] if isinstance(document, list) else []
    return set().union(*below)


def digest(array: Any) -> str | None:
    """Return the SHA-256 of an array's values in single precision; None of none."""
    return None if array is None else hashlib.sha256(np.ascontiguousarray(array, np.float32).tobytes()).hexdigest()


def layer_document(layer: Any) -> dict[str, Any]:
    """Return what a ticket's layer holds, its arrays as digests."""
    return {
        "name": layer.name,
        "mask": layer.mask.digest,
        "kept": layer.mask.count,
        "kernel_shape": None if layer.kernel_shape is None else list(layer.kernel_shape),
        "geometry": [layer.stride, layer.padding],
        "weight": digest(layer.weight),
        "rewound": digest(layer.rewound),
    }


def settings_document(settings: Iterable[Any]) -> dict[str, Any]:
    """Return the names of settings, with what may be chosen and what is taken if nothing is."""
    return {item.name: {"choices": list(item.choices), "default": item.default} for item in settings}


def options_document(group: Any) -> dict[str, list[str]]:
    """Return the options of every command of a click group."""
    commands = group.commands.items()
    return {name: sorted(flag for part in command.params for flag in part.opts) for name, command in commands}
