"""From the parts of a layer to the layer: which matrix it becomes, and what its numbers must be."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparselab.core.errors import FileError
from sparselab.core.inputs.arrays import nonfinite
from sparselab.core.layer import Layer
from sparselab.core.mask import Mask
from sparselab.formats.kinds.parts import LayerParts
from sparselab.formats.kinds.values import Reading, read_mask, read_weight

_MAGNITUDE = {
    "bfloat16": 0x7FFF,
    "float16": 0x7FFF,
    "float8_e4m3fn": 0x7F,
    "float8_e5m2": 0x7F,
    "float8_e4m3fnuz": 0xFF,
    "float8_e5m2fnuz": 0xFF,
}
"""The bits that are all 0 in a zero; the last two types have no -0, and its word is NaN."""


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
        if bool((values[reading.kept] == 1).all()):
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
    if weight.load_stored is None or weight.stored not in _MAGNITUDE or parts.threshold is not None:
        return load_layer(parts).mask
    words = weight.load_stored()
    return Mask._adopt(
        np.ascontiguousarray(parts.matrix_of((words & words.dtype.type(_MAGNITUDE[weight.stored])) != 0))
    )


def _read_mask(parts: LayerParts) -> Reading:
    assert parts.mask is not None
    mask = parts.mask.load()
    check_finite(f"{parts.name}, its mask", mask)
    return read_mask(parts.mask_matrix_of(mask), parts.threshold)


def check_finite(name: str, values: NDArray[Any]) -> None:
    """Raises: FileError when a weight is no number or infinite."""
    if wrong := nonfinite(values):
        raise FileError(f"{name}: {wrong}")
