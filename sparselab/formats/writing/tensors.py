"""What is written: tensors that load one by one, and the changes that are made to a file's own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sparselab.core.errors import FileError
from sparselab.formats.base import ArchiveEntry, Role
from sparselab.formats.names import clean_name

BFLOAT16 = "bfloat16"


@dataclass(frozen=True, kw_only=True)
class NewTensor:
    """One tensor to be written, under the name it gets in the file.

    `stored` is its type in torch's words. `load` returns its numbers or, for a type that NumPy lacks, its unsigned words.
    """

    name: str
    shape: tuple[int, ...]
    stored: str
    load: Callable[[], NDArray[Any]]


TensorKey: TypeAlias = tuple[str, Role]
"""A tensor of a file: its raw name, and whether it lies in a container of masks, where it may have the name of a weight."""

Changes: TypeAlias = Mapping[TensorKey, tuple[NewTensor, ...]]
"""By tensor of a file, what stands in its place: one tensor, the two of a pair, or nothing."""


def key_of(entry: ArchiveEntry) -> TensorKey:
    """Return what names a tensor of a file in `Changes`."""
    return entry.name, entry.role


def tensor_of(name: str, array: NDArray[Any]) -> NewTensor:
    """Return an array in memory as a tensor to be written."""
    return NewTensor(name=name, shape=array.shape, stored=array.dtype.name, load=lambda: array)


def stored_type(entry: ArchiveEntry) -> str:
    """Return the type of a file's tensor in torch's words."""
    return entry.stored or entry.dtype.name


def load_words(entry: ArchiveEntry) -> NDArray[Any]:
    """Return the numbers of a file's tensor as they lie there."""
    return entry.load() if entry.load_stored is None else entry.load_stored()


def copy_of(entry: ArchiveEntry, name: str | None = None) -> NewTensor:
    """Return a file's tensor as one to be written, its numbers as they are."""
    return NewTensor(
        name=entry.name if name is None else name,
        shape=entry.shape,
        stored=stored_type(entry),
        load=lambda: load_words(entry),
    )


def narrow_bfloat16(values: NDArray[Any]) -> NDArray[np.uint16]:
    """Return the words of numbers that bfloat16 holds exactly.

    Example: >>> [hex(word) for word in narrow_bfloat16(np.array([1, -2], np.float32))]
             ['0x3f80', '0xc000']
    """
    return (np.ascontiguousarray(values, np.float32).view(np.uint32) >> 16).astype(np.uint16)


def widen_bfloat16(words: NDArray[Any]) -> NDArray[np.float32]:
    """Return words of bfloat16 as float32, which holds them exactly."""
    return (words.astype(np.uint32) << 16).view(np.float32)


def check_changed(changes: Changes, found: Iterable[TensorKey]) -> None:
    """Raises: FileError when a tensor that is to be changed does not lie in the file by its name."""
    if lost := changes.keys() - set(found):
        name = clean_name(min(lost)[0])
        raise FileError(
            f"{name}: expected a tensor of this name in the file; it is made of others: choose another suffix"
        )
