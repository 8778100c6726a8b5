"""Weights of which only the values that are kept are stored, with a bit for every place.

    X.compressed   the values row by row: a vector, or rows x cols / 2 for 2:4
    X.bitmask      uint8, rows x ceil(cols / 8): np.packbits(mask, axis=-1, bitorder="little")
    X.shape        rows, cols
    X.row_offsets  where each row's values begin (not for 2:4)

Source: compressed-tensors, sparse-bitmask and sparse-24-bitmask (compressors/sparse_compressors).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparselab.core.errors import FileError
from sparselab.formats.base import ArchiveEntry
from sparselab.formats.combiners.base import Combined, Named
from sparselab.formats.combiners.shapes import stored_shape
from sparselab.formats.names import clean_name

_MAIN = ".compressed"
_NOTE = "values with a bit for every place (compressed-tensors) were put in their places"
_COUNTED_BYTES = 64 * 2**20
"""So many bytes of bits are counted when a file is opened; those of larger files when a layer is read."""


@dataclass(frozen=True)
class _BitmaskWeight:
    """The tensors of one weight, whose shapes fit together."""

    name: str
    values: ArchiveEntry
    bits: ArchiveEntry
    offsets: ArchiveEntry | None
    shape: tuple[int, int]

    def kept(self) -> NDArray[np.bool_]:
        """Return the mask. Raises: FileError unless it keeps as many as there are values, row by row as the offsets say."""
        mask = np.unpackbits(self.bits.load(), axis=-1, bitorder="little", count=self.shape[1])
        kept = mask.view(np.bool_)
        if (count := int(np.count_nonzero(kept))) != self.values.size:
            raise FileError(f"{self.name}: expected {self.values.size} bits, one for each value; got {count}")
        if self.offsets is not None:
            starts = np.cumsum(np.count_nonzero(kept, axis=1))[:-1]
            told = self.offsets.load().reshape(-1)
            if told[0] != 0 or not np.array_equal(told[1:], starts):
                raise FileError(f"{self.name}: expected row offsets that count the bits of the rows; got others")
        return kept

    def placed(self, values: NDArray[Any]) -> NDArray[Any]:
        kept = self.kept()
        dense = np.zeros(self.shape, dtype=values.dtype)
        dense[kept] = values.reshape(-1)
        return dense


def combine_sparse_bitmask(entries: Named) -> Combined:
    """Return the weights whose values and bits are among the entries; those that do not fit together are left alone."""
    found, counted = Combined(), 0
    for main in [name for name in entries if name.endswith(_MAIN) and name != _MAIN]:
        base = main.removesuffix(_MAIN)
        names = [f"{base}.{part}" for part in ("compressed", "bitmask", "shape", "row_offsets")]
        present = [name for name in names if name in entries]
        try:
            parts = _parts(base, entries)
            counted += parts.bits.size
            if counted <= _COUNTED_BYTES:
                parts.kept()
        except FileError as error:
            found.leave(main, str(error), present)
        else:
            found.make(main, _entry(base, parts), present, _NOTE)
    return found


def _parts(base: str, entries: Named) -> _BitmaskWeight:
    label = clean_name(base)
    values, bits, shape = (entries.get(f"{base}.{part}") for part in ("compressed", "bitmask", "shape"))
    if values is None or bits is None or shape is None:
        raise FileError(f"{label}: expected {label}.bitmask and {label}.shape beside the values; got only some of them")
    rows, cols = stored_shape(shape)
    if bits.dtype != np.uint8 or bits.shape != (rows, -(-cols // 8)):
        raise FileError(f"{label}: expected {rows} x {-(-cols // 8)} bytes of bits; got {bits.shape} of {bits.dtype}")
    if values.size > rows * cols or len(values.shape) > 2:
        raise FileError(f"{label}: expected at most {rows * cols} values; got {values.shape}")
    if len(values.shape) == 2 and values.shape != (rows, cols // 2):
        raise FileError(f"{label}: expected {rows} x {cols // 2} values, two of every four; got {values.shape}")
    offsets = entries.get(f"{base}.row_offsets")
    if offsets is not None and (offsets.size != rows or offsets.dtype.kind not in "iu"):
        raise FileError(f"{label}: expected {rows} row offsets; got {offsets.shape} of {offsets.dtype}")
    return _BitmaskWeight(label, values, bits, offsets, (rows, cols))


def _entry(base: str, parts: _BitmaskWeight) -> ArchiveEntry:
    stored = parts.values.load_stored
    return ArchiveEntry(
        name=base,
        shape=parts.shape,
        dtype=parts.values.dtype,
        load=lambda: parts.placed(parts.values.load()),
        role="weight",
        stored=parts.values.stored,
        load_stored=None if stored is None else lambda: parts.placed(stored()),
    )
