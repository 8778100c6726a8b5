"""From the parts of a layer to the layer: which matrix it becomes, and what its numbers must be."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparselab.core.errors import FileError
from sparselab.core.inputs.arrays import nonfinite
from sparselab.core.inputs.layers import all_ones
from sparselab.core.inputs.words import WORD_TYPES, are_ones, nonzero_words, special_words, widen_bfloat16
from sparselab.core.layer import Layer
from sparselab.core.mask import Mask
from sparselab.core.ticket import StoredLayer, Survey, stored_of
from sparselab.formats.kinds.parts import LayerParts
from sparselab.formats.kinds.values import SLAB, Reading, read_mask, read_weight, weight_notes
from sparselab.formats.parsing.float8 import FLOAT8_TYPES, widen_float8

_STORED = ("bfloat16", *FLOAT8_TYPES)
"""Types that are counted in words, because NumPy lacks them."""


def load_layer(parts: LayerParts) -> Layer:
    """Load the tensors of a layer and join them; its notes say what the numbers left open.

    A weight without a mask keeps what is not 0, or larger than the threshold, and is a mask itself where all of that is 1.
    Whole numbers become float32.

    Raises: FileError for NaN and infinite numbers in a mask, or in weights that are kept.
    """
    values = None if parts.weight is None else parts.matrix_of(parts.weight.load())
    if parts.mask is None:
        assert values is not None
        reading = read_weight(values, parts.threshold)
        check_finite(parts.name, values)
        if all_ones(values, reading.kept):
            values = None
    else:
        reading = _read_mask(parts)
    if values is not None:
        values = values if values.dtype.kind == "f" else values.astype(np.float32)
        if parts.mask is not None or parts.threshold is not None:
            values = np.where(reading.kept, values, values.dtype.type(0))
            check_finite(parts.name, values)
    return Layer(
        parts.name,
        Mask._adopt(reading.kept),
        weight=values,
        kernel_shape=parts.kernel,
        stride=parts.stride,
        padding=parts.padding,
        groups=parts.groups,
        notes=reading.notes,
    )


def load_mask(parts: LayerParts) -> Mask:
    """Return the mask that `load_layer` gives, without the weights where the mask is a tensor of its own, and without widening
    floats of 16 and 8 bits where zeros are the mask. Weights that are no numbers are not looked for.
    """
    if parts.mask is not None:
        return Mask._adopt(_read_mask(parts).kept)
    weight = parts.weight
    assert weight is not None
    if weight.load_stored is None or weight.stored not in WORD_TYPES or parts.threshold is not None:
        return load_layer(parts).mask
    return Mask._adopt(np.ascontiguousarray(parts.matrix_of(nonzero_words(weight.load_stored(), weight.stored))))


def load_stored(parts: LayerParts) -> StoredLayer:
    """Return the numbers of a layer as they lie in the file, beside its mask where that is a tensor of its own.

    They are not looked at: NaN and infinite weights are there too. Where a threshold decides, what `load_layer` gives.

    Raises: FileError for NaN and infinite numbers in a mask.
    """
    weight = parts.weight
    if weight is None or parts.threshold is not None:
        return stored_of(load_layer(parts))
    kept = None if parts.mask is None else _read_mask(parts).kept
    words = weight.load() if weight.load_stored is None else weight.load_stored()
    return StoredLayer(parts.matrix_of(words), weight.stored or str(weight.dtype), kept)


def _read_mask(parts: LayerParts) -> Reading:
    assert parts.mask is not None
    mask = parts.mask.load()
    check_finite(f"{parts.name}, its mask", mask)
    return read_mask(parts.mask_matrix_of(mask), parts.threshold)


def check_finite(name: str, values: NDArray[Any]) -> None:
    """Raises: FileError when a weight is no number or infinite."""
    if wrong := nonfinite(values):
        raise FileError(f"{name}: {wrong}")


def survey_by(parts: LayerParts) -> Callable[[], Survey] | None:
    """Return how the layer is surveyed without widening its weights; None where loading it is as cheap."""
    weight = parts.weight
    is_plain = parts.mask is None and parts.threshold is None
    if weight is None or not is_plain or weight.load_stored is None or weight.stored not in _STORED:
        return None
    return partial(_survey, parts)


def _survey(parts: LayerParts) -> Survey:
    """Return what loading says; 16-bit and 8-bit floats are held with a byte for each, and widened a part at a time.

    Raises: FileError for NaN and infinite numbers, as loading does.
    """
    weight = parts.weight
    assert weight is not None
    assert weight.load_stored is not None
    kind, words = weight.stored, weight.load_stored()
    if wrong := special_words(words, kind):
        raise FileError(f"{parts.name}: expected finite weights; got {wrong} that are NaN or infinite")
    kept = np.ascontiguousarray(parts.matrix_of(nonzero_words(words, kind)))
    is_mask = are_ones(words, kind)
    notes = weight_notes(lambda: _widened(words, kind), parts.matrix_of(words), kept)
    return Survey(Mask._adopt(kept), not is_mask, notes)


def _widened(words: NDArray[Any], kind: str) -> Iterator[NDArray[np.float32]]:
    flat = words.reshape(-1)
    for start in range(0, flat.size, SLAB):
        part = flat[start : start + SLAB]
        yield widen_bfloat16(part) if kind == "bfloat16" else widen_float8(part, kind)
