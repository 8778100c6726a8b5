"""The converted model on disk: its weights, and the layouts by which a fresh network becomes one that takes them.

structured.pt        state_dict of the converted model, as torch.save writes it
structured.layouts   the layouts of its layers, by name, as one message of plain values and arrays
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import nn

from sparselab.core.atomic_files import atomic_path
from sparselab.core.errors import FileError
from sparselab.core.layout import Layout
from sparselab.nn import convert
from sparselab.runtime import messages

WEIGHTS, LAYOUTS = "structured.pt", "structured.layouts"


def save_converted(model: nn.Module, layouts: Mapping[str, Layout], folder: Path) -> None:
    """Write the converted model and the layouts it was made with."""
    with atomic_path(folder / LAYOUTS) as temporary:
        temporary.write_bytes(messages.dump({name: layout.pack() for name, layout in layouts.items()}))
    with atomic_path(folder / WEIGHTS) as temporary:
        torch.save(model.state_dict(), temporary)


def load_converted(model: nn.Module, folder: str | os.PathLike[str]) -> nn.Module:
    """Return a converted copy of a network with the weights of a tuning. model: the network that was tuned, with any weights.

    Raises: FileError where the folder holds no tuning that ended; SettingError for another network.
    """
    place = Path(folder)
    try:
        told = messages.load((place / LAYOUTS).read_bytes())
        state = torch.load(place / WEIGHTS, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise FileError(
            f"expected a tuning that ended in {place}; {Path(str(error.filename)).name} is missing: resume it"
        ) from None
    converted = convert(model, {name: Layout.unpack(packed) for name, packed in told.items()}).model
    converted.load_state_dict(state)
    return converted
