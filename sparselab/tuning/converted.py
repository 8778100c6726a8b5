"""The converted model of a tuning on disk: structured.safetensors, as `Converted.save` writes it."""

from __future__ import annotations

import os
from pathlib import Path

import torch
from torch import nn

from sparselab.core.errors import FileError
from sparselab.core.layout import Layout
from sparselab.nn import Converted, convert, load
from sparselab.runtime import messages

CONVERTED = "structured.safetensors"
_OLD_WEIGHTS, _OLD_LAYOUTS = "structured.pt", "structured.layouts"
"""What tunings of older versions hold: a state_dict as torch.save writes it, and the layouts by name in one message."""


def save_converted(converted: Converted, folder: Path) -> None:
    """Write the converted model."""
    converted.save(folder / CONVERTED)


def load_converted(model: nn.Module, folder: str | os.PathLike[str]) -> nn.Module:
    """Return a converted copy of a network with the weights of a tuning. model: the network that was tuned, with any weights.

    Raises: FileError where the folder holds no tuning that ended, or a damaged one, or that of another network; SettingError for
        a layer that the network lacks.
    """
    place = Path(folder)
    if (place / CONVERTED).exists():
        return load(place / CONVERTED, model).model
    if (place / _OLD_WEIGHTS).exists() and (place / _OLD_LAYOUTS).exists():
        return _old(model, place)
    raise FileError(f"expected a tuning that ended in {place}; {CONVERTED} is missing: resume it")


def _old(model: nn.Module, place: Path) -> nn.Module:
    told = messages.load((place / _OLD_LAYOUTS).read_bytes())
    state = torch.load(place / _OLD_WEIGHTS, map_location="cpu", weights_only=True)
    converted = convert(model, {name: Layout.unpack(packed) for name, packed in told.items()}).model
    converted.load_state_dict(state)
    return converted
