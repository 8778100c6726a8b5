"""From the numbers of a layer, as they lie in its file, to the bits of its mask: one pass, a strip that fits the cache at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparselab.auditing.bits import Bytes, MaskBits
from sparselab.core.errors import FileError
from sparselab.core.inputs.words import WORD_TYPES, WordType
from sparselab.core.ticket import StoredLayer

_STRIP = 2**17  # numbers looked at in one go

_FLOATS: Mapping[str, WordType] = MappingProxyType(
    {
        **WORD_TYPES,
        "float32": WordType(magnitude=2**31 - 1, special=0xFF << 23, one=0x7F << 23, normal=1 << 23),
        "float64": WordType(magnitude=2**63 - 1, special=0x7FF << 52, one=0x3FF << 52, normal=1 << 52),
    }
)


@dataclass(frozen=True)
class Counted:
    """The bits of a layer along its inputs, and what was met on the way: numbers that are -0, and denormals."""

    bits: MaskBits
    negative_zeros: int
    denormals: int


@dataclass
class _Met:
    kept: int = 0
    negative_zeros: int = 0
    denormals: int = 0
    special: int = 0


def count_layer(name: str, stored: StoredLayer, tensor_shape: tuple[int, ...], groups: int) -> Counted:
    """Return the bits of a layer's mask, and how many of its numbers are -0 and denormal; -0 is a zero, a denormal is none.

    With a mask of its own the mask says what is kept, and the numbers are counted as they lie there.

    Raises: FileError for NaN and infinite numbers that are kept.
    """
    rows = stored.matrix.shape[0]
    area = prod(tensor_shape[2:])
    met = _Met()
    parts = [_lined_up(kept, area) for kept in _kept_strips(stored, met)]
    if met.special:
        raise FileError(f"{name}: expected finite weights; got {met.special} that are NaN or infinite")
    packed = np.concatenate(parts).reshape(groups, rows // groups, area, -1)
    width = stored.matrix.shape[1] // area
    return Counted(MaskBits(packed, width, met.kept), met.negative_zeros, met.denormals)


def _lined_up(kept: NDArray[np.bool_], area: int) -> Bytes:
    """Return strips of rows as bytes, rows x (kernel position, bits of channels)."""
    rows, cols = kept.shape
    if area == 1 and cols % 8 == 0:  # one long run of bits: several times as fast as a row at a time
        return np.packbits(kept.reshape(-1), bitorder="little").reshape(rows, -1)
    channels = np.ascontiguousarray(kept.reshape(rows, cols // area, area).transpose(0, 2, 1))
    return np.packbits(channels, axis=-1, bitorder="little").reshape(rows, -1)


def _kept_strips(stored: StoredLayer, met: _Met) -> Iterator[NDArray[np.bool_]]:
    rows, cols = stored.matrix.shape
    step = max(1, _STRIP // cols)
    code = np.dtype(f"u{stored.matrix.dtype.itemsize}")
    kind, room = _FLOATS.get(stored.kind), np.empty(step * cols, code)
    for start in range(0, rows, step):
        strip = slice(start, start + step)
        words = np.ascontiguousarray(stored.matrix[strip]).view(code)
        mask = None if stored.kept is None else np.ascontiguousarray(stored.kept[strip])
        nonzero = words != 0 if kind is None else _look(words, kind, mask, met, room)
        kept = nonzero if mask is None else mask
        met.kept += int(np.count_nonzero(kept))
        yield kept


def _look(
    words: NDArray[Any], kind: WordType, mask: NDArray[np.bool_] | None, met: _Met, room: NDArray[Any]
) -> NDArray[np.bool_]:
    """Count what is met in a strip; return where it is not 0."""
    code = words.dtype.type
    sizes = np.bitwise_and(words, code(kind.magnitude), out=room[: words.size].reshape(words.shape))
    kept: NDArray[np.bool_] = sizes != 0
    count = int(np.count_nonzero(kept))
    met.negative_zeros += int(np.count_nonzero(words)) - count
    met.denormals += count - int(np.count_nonzero(sizes >= code(kind.normal)))
    if kind.lone_special:
        special = words == code(kind.special)
    elif sizes.max(initial=0) < kind.special:
        return kept
    else:
        special = sizes >= code(kind.special)
    met.special += int(np.count_nonzero(special if mask is None else special & mask))
    return kept
