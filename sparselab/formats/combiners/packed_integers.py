"""Whole numbers of 4 or 8 bits, packed into 32, with their scales.

    X_packed   int32, rows x ceil(cols / n), n = 8 or 4: column n * j + i in bits i * b .. of word j, plus 2^(b - 1)
    X_shape    rows, cols
    X_scale    rows x groups: a weight is number x scale of its group of columns
    X_g_idx    the group of every column, where they do not lie side by side

With a zero point (X_zero_point) a 0 in the file is no weight of 0; such weights are left alone.

Source: compressed-tensors, pack-quantized (compressors/quantized_compressors/pack_quantized.py).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sparselab.core.errors import FileError
from sparselab.formats.base import ArchiveEntry
from sparselab.formats.combiners.base import Combined, Named
from sparselab.formats.combiners.shapes import stored_shape
from sparselab.formats.names import clean_name

_MAIN = "_packed"
_WORD = 32
_BITS = (4, 8)
_WAY_OUT = "save the model dequantised (save_pretrained of the loaded model) and open that"
_NOTE = "packed whole numbers became weights; a number 0 counts as dropped, whether it was pruned or rounded"


@dataclass(frozen=True)
class _PackedWeight:
    """The tensors of one weight, whose shapes fit together, and the bits of a number."""

    name: str
    words: ArchiveEntry
    scale: ArchiveEntry
    groups: ArchiveEntry | None
    shape: tuple[int, int]
    bits: int

    def load(self) -> NDArray[np.float32]:
        """Return the weights. Raises: FileError for scales that are no finite numbers, and groups that are not there."""
        scale = self.scale.load().astype(np.float32)
        if not np.isfinite(scale).all() or (scale == 0).any():
            raise FileError(f"{self.name}: expected finite scales other than 0; got others")
        rows, cols = self.shape
        group = np.arange(cols) // -(-cols // scale.shape[1])
        if self.groups is not None:
            group = self.groups.load().astype(np.int64)
            if group.min() < 0 or group.max() >= scale.shape[1]:
                raise FileError(f"{self.name}: expected groups below {scale.shape[1]}; got others")
        words = self.words.load().view(np.uint32)
        values = np.empty((rows, cols), dtype=np.float32)
        count, offset = _WORD // self.bits, 2 ** (self.bits - 1)
        for place in range(count):
            part = values[:, place::count]
            numbers = (words[:, : part.shape[1]] >> np.uint32(place * self.bits)) & np.uint32(2**self.bits - 1)
            np.subtract(numbers, offset, out=part, dtype=np.float32, casting="unsafe")
            part *= scale[:, group[place::count]]
        return values


def combine_packed_integers(entries: Named) -> Combined:
    """Return the weights that are packed whole numbers with symmetrical scales; all other packed ones are left alone."""
    found = Combined()
    for main in [name for name in entries if name.endswith(_MAIN) and name != _MAIN]:
        base = main.removesuffix(_MAIN)
        ends = ("_packed", "_shape", "_scale", "_zero_point", "_g_idx", "_global_scale")
        present = [base + end for end in ends if base + end in entries]
        if len(present) == 1:
            continue  # a name that ends so, and nothing of what would make it a packed weight
        try:
            packed = _packed(base, entries)
        except FileError as error:
            found.leave(main, str(error), present)
        else:
            entry = ArchiveEntry(
                name=base, shape=packed.shape, dtype=np.dtype(np.float32), load=packed.load, role="weight"
            )
            found.make(main, entry, present, _NOTE)
    return found


def _packed(base: str, entries: Named) -> _PackedWeight:
    label = clean_name(base)
    words, shape, scale = (entries.get(base + end) for end in ("_packed", "_shape", "_scale"))
    if words is None or shape is None or scale is None or words.dtype != np.int32 or len(words.shape) != 2:
        raise FileError(
            f"{label}: expected 32-bit words with a shape and scales; got packed weights of another kind: {_WAY_OUT}"
        )
    if base + "_zero_point" in entries:
        raise FileError(f"{label}: expected packed weights without zero points; got some: {_WAY_OUT}")
    rows, cols = stored_shape(shape)
    fitting = [bits for bits in _BITS if words.shape == (rows, -(-cols // (_WORD // bits)))]
    if len(fitting) != 1:
        raise FileError(f"{label}: expected words of 4 or 8 bits for {rows} x {cols}; got {words.shape}: {_WAY_OUT}")
    groups = entries.get(base + "_g_idx")
    columns = scale.shape[1] if len(scale.shape) == 2 and scale.shape[0] in (1, rows) else 0
    if scale.dtype.kind != "f" or not columns or (groups is None and cols % columns):
        raise FileError(f"{label}: expected a scale for every row and group of columns; got {scale.shape}: {_WAY_OUT}")
    if groups is not None and (groups.shape != (cols,) or groups.dtype.kind not in "iu"):
        raise FileError(f"{label}: expected a group for each of {cols} columns; got {groups.shape}: {_WAY_OUT}")
    return _PackedWeight(label, words, scale, groups, (rows, cols), fitting[0])
