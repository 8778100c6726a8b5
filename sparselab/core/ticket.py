"""Masks and weights of a whole network, loaded layer by layer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from math import prod
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparselab.core.errors import SparselabError
from sparselab.core.layer import Layer
from sparselab.core.mask import Mask


@dataclass(frozen=True)
class Survey:
    """What loading a layer says of it besides its values: its mask, whether there are weights, and notes on its numbers."""

    mask: Mask
    has_weight: bool
    notes: tuple[str, ...] = ()


def survey_of(layer: Layer) -> Survey:
    """Return what is said of a layer that was loaded."""
    return Survey(layer.mask, layer.weight is not None, layer.notes)


@dataclass(frozen=True, eq=False)
class StoredLayer:
    """The numbers of a layer as they lie in its file, none of them widened.

    `matrix` is out x (in * kernel): numbers of NumPy's, or the unsigned words of a type that NumPy lacks. `kind` names their type
    in torch's words, such as "bfloat16". `kept` is the mask where it is a tensor of its own; without it, what is not 0 is kept.
    """

    matrix: NDArray[Any]
    kind: str
    kept: NDArray[np.bool_] | None = None


def stored_of(layer: Layer) -> StoredLayer:
    """Return what a layer that was loaded says of its numbers: those of its weight, else the mask's own bits."""
    if layer.weight is None:
        return StoredLayer(layer.mask.kept, "bool")
    return StoredLayer(layer.weight, str(layer.weight.dtype), layer.mask.kept)


@dataclass(frozen=True, kw_only=True)
class FoundLayer:
    """One layer a reader found: what it is called, what was done to make a matrix of it, and how to load it.

    `notes`: what was assumed of this layer alone, one sentence each. `load_mask` returns the mask without widening or keeping
    the weights, where that is cheaper than `load`, and `survey` with it what else loading would say. `load_stored` returns the
    numbers as they lie in the file. `has_weight`: None where only loading tells.
    """

    name: str
    tensor_shape: tuple[int, ...]
    conversion: str
    load: Callable[[], Layer]
    notes: tuple[str, ...] = ()
    load_mask: Callable[[], Mask] | None = None
    has_weight: bool | None = None
    groups: int = 1
    survey: Callable[[], Survey] | None = None
    load_stored: Callable[[], StoredLayer] | None = None

    @property
    def size(self) -> int:
        """Number of weights, kept or not."""
        return prod(self.tensor_shape)

    def mask(self) -> Mask:
        """Return the layer's mask, read as cheaply as can be."""
        return self.load().mask if self.load_mask is None else self.load_mask()

    def stored(self) -> StoredLayer:
        """Return the layer's numbers as they lie in the file, as far as the file is read that way."""
        return stored_of(self.load()) if self.load_stored is None else self.load_stored()


@dataclass(frozen=True)
class Skipped:
    """A tensor that is no prunable layer, and why."""

    name: str
    reason: str


@dataclass(frozen=True)
class Ticket:
    """The layers of a network. `ticket[name]` loads one; nothing is loaded before.

    Raises: SparselabError for a name it does not hold.
    """

    entries: tuple[FoundLayer, ...]
    skipped: tuple[Skipped, ...] = ()
    meta: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "meta", MappingProxyType(dict(self.meta)))

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(item.name for item in self.entries)

    def __getitem__(self, name: str) -> Layer:
        return self.found(name).load()

    def found(self, name: str) -> FoundLayer:
        """Return what was found under a name, without loading it. Raises: SparselabError for a name it does not hold."""
        for item in self.entries:
            if item.name == name:
                return item
        some = ", ".join(self.names[:5]) + (" ..." if len(self.entries) > 5 else "")
        raise SparselabError(f"expected one of the layers {some}; got {name!r}")

    def __iter__(self) -> Iterator[Layer]:
        return (item.load() for item in self.entries)

    def __len__(self) -> int:
        return len(self.entries)


def ticket_of(layers: Mapping[str, Layer] | list[Layer], **meta: Any) -> Ticket:
    """Return a ticket of layers that are already in memory."""
    values = list(layers.values()) if isinstance(layers, Mapping) else layers
    return Ticket(tuple(map(_entry, values)), meta=meta)


def _entry(layer: Layer) -> FoundLayer:
    return FoundLayer(name=layer.name, tensor_shape=layer.tensor_shape, conversion="", load=lambda: layer)
