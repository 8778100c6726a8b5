"""8-bit floats with their scale: a weight is value x scale.

    X (float8)   with X_scale or X_scale_inv: one number, one a row, or one for every block of equal parts

DeepSeek's blocks are 128 x 128, cut off at the right and at the bottom. A zero is a zero with any scale.

Source: compressed-tensors (float-quantized); DeepSeek-V3, modeling of weight_scale_inv.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparselab.core.errors import FileError
from sparselab.formats.base import ArchiveEntry
from sparselab.formats.combiners.base import Combined, Named
from sparselab.formats.names import clean_name

_ENDINGS = ("_scale", "_scale_inv")
_BLOCK = 128
_SMALLEST, _LARGEST = 2.0**-100, 2.0**100  # beyond, a product may become 0 or infinite, and the mask another
_NOTE = "8-bit floats were multiplied by their scales"


def combine_scaled_float8(entries: Named) -> Combined:
    """Return the weights whose scale is among the entries; where its shape does not say how, the values alone, with a note."""
    found = Combined()
    for name, entry in entries.items():
        if not entry.stored.startswith("float8"):
            continue
        scale = next((entries[name + end] for end in _ENDINGS if name + end in entries), None)
        if scale is None or scale.dtype.kind != "f":
            continue
        block = scale_block(entry.shape, scale.shape)
        if block is None:
            note = f"{clean_name(name)}: values without their scale, whose shape {scale.shape} does not say how"
            found.make(name, replace(entry, role="weight"), [], note)
        else:
            found.make(name, _scaled(entry, scale, block), [], _NOTE)
        found.leave(scale.name, f"the scale of {clean_name(name)}")
    return found


def scale_block(shape: tuple[int, ...], scale: tuple[int, ...]) -> tuple[int, int] | None:
    """Return the rows and columns of a matrix that one number of its scale is for; None where the shapes do not say.

    Example: >>> scale_block((256, 512), ()), scale_block((256, 512), (256, 1)), scale_block((200, 512), (2, 4))
             ((256, 512), (1, 512), (128, 128))
    """
    if len(shape) != 2 or len(scale) > 2:
        return None
    rows, cols = shape
    down, across = (*scale, 1, 1)[:2]
    if (down, across) == (-(-rows // _BLOCK), -(-cols // _BLOCK)):
        return (rows, cols) if (down, across) == (1, 1) else (_BLOCK, _BLOCK)
    return (rows // down, cols // across) if not rows % down and not cols % across else None


def _scaled(entry: ArchiveEntry, scale: ArchiveEntry, block: tuple[int, int]) -> ArchiveEntry:
    height, width = block
    words = entry.load_stored

    def checked() -> NDArray[np.float32]:
        factors: NDArray[np.float32] = scale.load().astype(np.float32).reshape((*scale.shape, 1, 1)[:2])
        size = np.abs(factors)
        if not ((size >= _SMALLEST) & (size <= _LARGEST)).all():  # NaN is neither
            raise FileError(f"{clean_name(scale.name)}: expected finite scales other than 0; got others")
        return factors

    def load() -> NDArray[Any]:
        values = entry.load()
        for row, line in enumerate(checked()):
            # A strip at a time: the factors of all weights would be as large as the weights.
            strip = values[row * height : (row + 1) * height]
            strip *= np.repeat(line, width)[: strip.shape[1]]
        return values

    def load_stored() -> NDArray[Any]:
        assert words is not None
        checked()
        return words()

    return replace(entry, load=load, load_stored=None if words is None else load_stored, role="weight")
