"""Whole numbers, scales and zero points: what belongs to quantised, packed and indexed weights."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparselab.formats.kinds.rule import KindRule, registry
from sparselab.formats.kinds.surroundings import Named, Surroundings

_SCALES = frozenset({"scale", "scales", "absmax", "amax", "zeros", "qzeros"})


def _scale(tensor: Named, file: Surroundings) -> str | None:
    words = set(tensor.words)
    if not (words & _SCALES or {"zero", "point"} <= words or {"zero", "points"} <= words) or tensor.has_mask_name:
        return None
    has_weight = any(len(other.shape) > 1 and other.words != tensor.words for other in file.beside(tensor))
    return "" if has_weight or len(words) > 1 or tensor.module in file.weight_shapes else None


def _positions_of_zeros(tensor: Named, file: Surroundings) -> str | None:
    if tensor.kind not in "iu" or len(tensor.shape) != 2 or not {"zero", "zeros", "pruned", "off"} & set(tensor.words):
        return None
    weights = [other for other in file.beside(tensor) if other.kind == "f" and len(other.shape) in tensor.shape]
    return weights[0].entry.name if len(weights) == 1 and len(weights[0].shape) in tensor.shape else None


def _zero_point(tensor: Named, file: Surroundings) -> str | None:
    if tensor.kind not in "iu" or tensor.entry.role == "mask" or _scale(tensor, file) is not None:
        return None
    points = [
        other for other in file.beside(tensor) if "zero" in other.words and {"point", "points"} & set(other.words)
    ]
    if not points:
        return None
    values = file.look(points[0])
    return None if values is not None and not values.any() else points[0].entry.name


def _whole_numbers(tensor: Named, file: Surroundings) -> str | None:
    if tensor.kind not in "iu" or tensor.entry.role == "mask":
        return None
    if tensor.entry.dtype in (np.int8, np.int16):
        return None
    values = file.look(tensor)
    if values is not None and (values.max() <= 1 or tensor.entry.dtype == np.uint8) and _is_zero_or_top(values):
        return None
    return f"{8 * tensor.entry.dtype.itemsize}"


def _is_zero_or_top(values: NDArray[Any]) -> bool:
    top = values.max()
    return values.min() >= 0 and top in (0, 1, 255) and bool(((values == 0) | (values == top)).all())


INTEGER_RULES = registry(
    (
        KindRule(
            name="scales",
            title="Scales and zero points",
            outcome="left alone",
            says="a scale or zero point of a quantised weight, not a weight",
            line="Called scale, absmax or zero_point, beside a weight.",
            catches=_scale,
        ),
        KindRule(
            name="positions-of-zeros",
            title="Positions of pruned weights",
            outcome="left alone",
            says="positions of the zeros of {}: its weight is read without them",
            line="Pairs of whole numbers called zero or pruned, beside one weight. Set those weights to 0 and save it again.",
            catches=_positions_of_zeros,
        ),
        KindRule(
            name="zero-point",
            title="Integer weights with a zero point",
            outcome="left alone",
            says="whole numbers of a quantised weight, whose zero is the number in {}: no 0 in it says that a weight is 0",
            line="Without a zero point, or where all are 0, int8 is read: 0 is 0.",
            catches=_zero_point,
        ),
        KindRule(
            name="whole-numbers",
            title="Packed bits, packed weights and indices",
            outcome="left alone",
            says="whole numbers of {} bits that are not 0 and 1: packed weights, packed bits or indices",
            line="Integers of other types than int8 and int16 are weights or masks only where they are 0 and 1 (bytes: 0 and 255).",
            catches=_whole_numbers,
        ),
    )
)
