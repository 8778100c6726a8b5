"""From a tensor to a layer: which matrix it becomes, and what its numbers must be."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparselab.core.errors import FileError, SettingError
from sparselab.core.im2col import ColumnOrder, as_matrix, column_permutation
from sparselab.core.layer import FloatMatrix, Layer
from sparselab.core.mask import BoolMatrix, Mask
from sparselab.formats.base import ArchiveEntry
from sparselab.formats.options import ReadOptions

_NATIVE: ColumnOrder = "cin-kh-kw"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How one tensor becomes a matrix; `conversion` says it in words."""

    name: str
    kernel_shape: tuple[int, ...] | None
    tensor_shape: tuple[int, ...]
    column_order: ColumnOrder
    conversion: str

    @classmethod
    def of(cls, name: str, source: str, shape: tuple[int, ...], options: ReadOptions) -> Plan:
        """Return the plan for a tensor of `shape`; a matrix takes the kernel shape that the options give.

        Raises: SettingError for a column order without a kernel shape, FileError for a kernel that does not fit.
        """
        text, kernel, order, cols = f"{source}, {_times(shape)}", shape[2:] or None, _NATIVE, prod(shape[1:])
        if kernel is not None:
            text += f" -> {shape[0]}x{cols}"
        elif options.kernel_shape is not None:
            kernel, order = options.kernel_shape, options.column_order
            if not fits_kernel(shape, options):
                raise FileError(
                    f"{name}: expected a multiple of {prod(kernel)} columns for a kernel of {_times(kernel)}; got {cols}"
                )
            text += f", kernel {_times(kernel)}"
            if order != _NATIVE:
                text += f", columns {order} -> {_NATIVE}"
        elif options.column_order != _NATIVE:
            raise SettingError(f"kernel_shape: expected one with the column order {options.column_order}; got none")
        area = prod(kernel or ())
        return cls(
            name=name,
            kernel_shape=kernel,
            tensor_shape=(shape[0], cols // area, *(kernel or ())),
            column_order=order,
            conversion=text,
        )


def fits_kernel(shape: tuple[int, ...], options: ReadOptions) -> bool:
    """Whether the columns of a matrix divide into the kernels that the options speak of."""
    return prod(shape[1:]) % prod(options.kernel_shape or (1,)) == 0


def load_layer(plan: Plan, weight: ArchiveEntry | None, mask: ArchiveEntry | None) -> Layer:
    """Load the tensors of a layer; without a mask, what is not zero is kept.

    A tensor of nothing but 0 and 1 is a mask whatever its type. Integers become float32.

    Raises: FileError for NaN and infinite numbers.
    """
    values = None if weight is None else _matrix(plan, weight)
    if mask is not None:
        kept = Mask._adopt(_nonzero(_matrix(plan, mask)))
    else:
        assert values is not None
        kept = Mask._adopt(_nonzero(values))
        if (values[kept.kept] == 1).all():
            values = None
    if values is not None:
        values = values if values.dtype.kind == "f" else values.astype(np.float32)
        values = values if mask is None else np.where(kept.kept, values, values.dtype.type(0))
    return Layer(plan.name, kept, weight=values, kernel_shape=plan.kernel_shape)


def check_finite(name: str, values: NDArray[Any]) -> None:
    """Raises: FileError when a weight is no number or infinite."""
    if values.dtype.kind != "f":
        return
    finite = np.isfinite(values)
    if not finite.all():
        nans = int(np.isnan(values).sum())
        infinite = finite.size - int(np.count_nonzero(finite)) - nans
        raise FileError(f"{name}: expected finite weights; got {nans} NaN and {infinite} infinite")


def _matrix(plan: Plan, entry: ArchiveEntry) -> FloatMatrix:
    values = entry.load()
    check_finite(plan.name, values)
    matrix, _ = as_matrix(values)
    if plan.column_order != _NATIVE:
        assert plan.kernel_shape is not None
        matrix = matrix[:, column_permutation(matrix.shape[1], plan.kernel_shape, plan.column_order)]
    return matrix


def _nonzero(values: NDArray[Any]) -> BoolMatrix:
    # A stranger's booleans may be any byte: 2 would count as kept here and vanish in packed bits there.
    numbers = np.ascontiguousarray(values).view(np.uint8) if values.dtype == np.bool_ else values
    kept: BoolMatrix = np.not_equal(numbers, 0)
    return kept


def _times(sizes: tuple[int, ...]) -> str:
    return "x".join(map(str, sizes))
