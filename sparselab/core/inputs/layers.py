"""What may be given where a layer is wanted, and the layer it stands for."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sparselab.core.errors import SparselabError
from sparselab.core.im2col import as_matrix
from sparselab.core.inputs.arrays import as_array, given, nonfinite, plain_dtype, type_name
from sparselab.core.inputs.words import nonzero_words
from sparselab.core.layer import Layer
from sparselab.core.mask import BoolMatrix, Mask

_COMPARED = 2**20  # weights looked at in one go

LayerLike: TypeAlias = Layer | Mask | ArrayLike
"""A layer, a mask, or an array or tensor of booleans (a mask) or real numbers (weights)."""


def as_layer(value: LayerLike, name: str = "weight") -> Layer:
    """Return the layer that `value` stands for, called `name` unless it is a layer, which comes back as it is.

    Booleans are a mask. Real numbers are weights, and what is not zero is kept; nothing but 0 and 1 is a mask, as in a file.
    A matrix is out x in; more dimensions are a convolution (out, in, kh, kw), which becomes out x (in * kh * kw). Arrays and
    tensors are copied; nested lists count as arrays.

    Raises: SparselabError for fewer than two dimensions, no elements, NaN, infinite numbers and every other type: whole
        numbers may be indices, so that they are no weights until somebody says so.
    Example: >>> as_layer(np.ones((8, 3, 5, 5)) / 2).mask.shape, as_layer([[True, False]]).weight
             ((8, 75), None)
    """
    if isinstance(value, Layer):
        return value
    if isinstance(value, Mask):
        return Layer(name, value)
    values = as_array(value)
    got = given(values if isinstance(value, list | tuple) else value)
    if values.ndim < 2:
        raise SparselabError(f"expected a matrix or a convolution's 4-D weight; got {got}")
    if values.size == 0:
        raise SparselabError(f"expected at least one row and one column; got {got}")
    dtype = plain_dtype(type_name(values.dtype))
    if dtype is None or dtype.kind not in "bf":
        mend = ": compare with zero for a mask, or convert to floats for weights" if dtype is not None else ""
        raise SparselabError(f"expected booleans (a mask) or real numbers (weights); got {got}{mend}")
    if wrong := nonfinite(values):
        raise SparselabError(f"{name}: {wrong}")
    matrix, kernel_shape = as_matrix(np.array(values, dtype=dtype.newbyteorder("="), order="C"))
    return layer_of_matrices(name, matrix, None, kernel_shape)


def as_mask(value: LayerLike) -> Mask:
    """Return the mask of what `value` stands for. Raises: SparselabError as `as_layer` does."""
    return value if isinstance(value, Mask) else as_layer(value).mask


def layer_of_matrices(
    name: str, weight: NDArray[Any] | None, mask: NDArray[Any] | None, kernel_shape: tuple[int, ...] | None
) -> Layer:
    """Return the layer of a weight, a mask, or both, all of them matrices of finite numbers; without a mask, what is not
    zero is kept.

    A matrix of nothing but 0 and 1 is a mask whatever its type. Integers become float32. The layer takes the arrays over.
    """
    values = weight
    if mask is not None:
        kept = Mask._adopt(nonzero(mask))
    else:
        assert values is not None
        kept = Mask._adopt(nonzero(values))
        if all_ones(values, kept.kept):
            values = None
    if values is not None:
        values = values if values.dtype.kind == "f" else values.astype(np.float32)
        values = values if mask is None else np.where(kept.kept, values, values.dtype.type(0))
    return Layer(name, kept, weight=values, kernel_shape=kernel_shape)


def all_ones(values: NDArray[Any], kept: BoolMatrix) -> bool:
    """Return whether every kept weight is 1: what looks like weights is then a mask. The first other weight ends the search."""
    rows = max(1, _COMPARED // kept.shape[1])
    starts = range(0, len(kept), rows)
    return all(bool((values[i : i + rows][kept[i : i + rows]] == 1).all()) for i in starts)


def nonzero(values: NDArray[Any]) -> BoolMatrix:
    """Return where numbers or booleans are not 0; -0 is 0, and NaN is not."""
    # A stranger's booleans may be any byte: 2 would count as kept here and vanish in packed bits there.
    numbers = np.ascontiguousarray(values).view(np.uint8) if values.dtype == np.bool_ else values
    if numbers.dtype == np.float16:  # NumPy widens halves to compare them
        return nonzero_words(np.ascontiguousarray(numbers).view(np.uint16), "float16")
    kept: BoolMatrix = np.not_equal(numbers, 0)
    return kept
