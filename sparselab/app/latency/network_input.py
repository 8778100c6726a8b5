"""The input that a network gives its layers: asked for once, kept in the address, and what follows of it for each layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sparselab.app.inputs.setting_widget import linked_setting
from sparselab.app.shell.visit import chosen

ASSUMED_SIDE = 32
"""Pixels of a side where nobody said."""

_WIDTH = 190


@dataclass(frozen=True, kw_only=True)
class NetworkInput:
    """Images of side x side pixels, `batch` in one run; is_assumed: nobody gave the side."""

    batch: int
    side: int
    is_assumed: bool

    @property
    def shown(self) -> str:
        """What is given to the network, in words."""
        assumed = " (assumed: the file does not tell)" if self.is_assumed else ""
        return f"batch {self.batch}, {self.side} x {self.side} pixels{assumed}"


def known_side() -> int:
    """Return the side as the address has it, before its field is drawn."""
    return int(chosen("side", ASSUMED_SIDE))


def ask_side() -> tuple[int, bool]:
    """Show the field for the side of the network's input; return the side, and whether it is assumed."""
    told = linked_setting("side", placeholder=f"{ASSUMED_SIDE}, assumed", width=_WIDTH)
    return (ASSUMED_SIDE, True) if told is None else (int(told), False)


def supposed_sides(layers: Sequence[dict[str, Any]], side: int) -> list[int]:
    """Return the side of every layer's input, 1 for a linear layer: a side halves when the channels double.

    layers: as a file's card shows them.
    """
    first = next((layer["shape"][0] for layer in layers if layer["kernel_shape"]), 1)
    return [
        max(1, round(side * min(1.0, first / layer["shape"][0]))) if layer["kernel_shape"] else 1 for layer in layers
    ]


def positions_of(layer: dict[str, Any], side: int, batch: int) -> int:
    """Return the positions at which a layer's matrix product runs in the network; `side`: of the layer's own input.

    Example: >>> positions_of({"kernel_shape": [3, 3]}, 8, 2)
             128
    """
    kernel = layer["kernel_shape"]
    return batch * side ** len(kernel) if kernel else batch
