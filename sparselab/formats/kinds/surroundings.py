"""What a rule sees: a tensor's header and name, and the other tensors of its file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any, TypeVar

from numpy.typing import NDArray

from sparselab.formats.base import ArchiveEntry
from sparselab.formats.kinds.spelling import (
    WEIGHT_NAMES,
    Path,
    is_mask_name,
    module_of,
    path_of,
    weight_path,
)
from sparselab.formats.names import words_of

T = TypeVar("T")

LOOK_BYTES = 2**28
"""The largest tensor whose values a rule may ask for: 256 MiB, one at a time."""

MOST_BESIDE = 500
"""Tensors of one module that are compared with one of them: a stranger's module may have thousands, each compared with all."""


@dataclass(frozen=True, eq=False)
class Named:
    """A tensor of a file, and what its name says."""

    entry: ArchiveEntry

    @cached_property
    def path(self) -> Path:
        return path_of(self.entry.title) or ("",)

    @cached_property
    def words(self) -> Path:
        """The words of the last part of its name."""
        return words_of(self.path[-1])

    @cached_property
    def module(self) -> Path:
        return module_of(self.path)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.entry.shape

    @property
    def kind(self) -> str:
        """NumPy's letter for the kind of its numbers: "f", "b", "i" or "u"."""
        return self.entry.dtype.kind

    @property
    def is_mask(self) -> bool:
        """Whether the file or its type says that it is a mask."""
        return self.entry.role == "mask" or self.kind == "b"

    @cached_property
    def has_mask_name(self) -> bool:
        return is_mask_name(self.path)

    @property
    def has_weight_name(self) -> bool:
        """Whether it is called a weight, so that its values are never asked for to say what it is."""
        return self.entry.role == "weight" or bool((WEIGHT_NAMES | {"orig", "original"}) & set(self.words))


class Surroundings:
    """The tensors of a file, by the modules they belong to. `has_shapes` as in `Format`, `has_names` as in `Archive`."""

    def __init__(self, tensors: Iterable[Named], *, has_shapes: bool, has_names: bool = True) -> None:
        self.tensors = tuple(tensors)
        self.has_shapes = has_shapes
        self.has_names = has_names
        self._made: dict[Callable[[Surroundings], Any], Any] = {}

    def once(self, make: Callable[[Surroundings], T]) -> T:
        """Return what `make` makes of this file, made once."""
        if make not in self._made:
            self._made[make] = make(self)
        made: T = self._made[make]
        return made

    @cached_property
    def by_name(self) -> Mapping[str, Named]:
        return {tensor.entry.name: tensor for tensor in self.tensors}

    @cached_property
    def by_module(self) -> Mapping[Path, tuple[Named, ...]]:
        modules: dict[Path, list[Named]] = {}
        for tensor in self.tensors:
            modules.setdefault(tensor.module, []).append(tensor)
        return {module: tuple(found) for module, found in modules.items()}

    @cached_property
    def weight_shapes(self) -> Mapping[Path, tuple[int, ...]]:
        """The shapes of the tensors that are called weights, by module and parameter."""
        return {weight_path(tensor.path): tensor.shape for tensor in self.tensors if not tensor.is_mask}

    @cached_property
    def _biases(self) -> Mapping[tuple[Path, Path], Named]:
        """The first bias of each module by what its name says beside "bias"."""
        found: dict[tuple[Path, Path], Named] = {}
        for tensor in self.tensors:
            if "bias" in tensor.words and not tensor.has_mask_name:
                words = tuple(word for word in tensor.words if word not in ("bias", "orig"))
                found.setdefault((tensor.module, words), tensor)
        return found

    def beside(self, tensor: Named) -> tuple[Named, ...]:
        """Return the other tensors of its module; of a module of thousands, those that lie nearest in the file."""
        there = self.by_module[tensor.module]
        first = max(0, min(self._places[tensor] - MOST_BESIDE // 2, len(there) - MOST_BESIDE))
        return tuple(other for other in there[first : first + MOST_BESIDE] if other is not tensor)

    @cached_property
    def _places(self) -> Mapping[Named, int]:
        """Where each tensor stands in its module."""
        return {tensor: place for there in self.by_module.values() for place, tensor in enumerate(there)}

    def bias_of(self, tensor: Named) -> Named | None:
        """Return the bias of a weight, or None."""
        words = tuple(word for word in tensor.words if word not in WEIGHT_NAMES | {"orig", "mask"})
        return self._biases.get((tensor.module, words))

    def look(self, tensor: Named) -> NDArray[Any] | None:
        """Return the values of a tensor whose name or shape makes it suspicious; None where they are too many to look at."""
        size = prod(tensor.shape) * tensor.entry.dtype.itemsize
        return tensor.entry.load() if 0 < size <= LOOK_BYTES else None
