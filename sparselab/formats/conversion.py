"""From a tensor to a layer: which matrix it becomes, and what its numbers must be."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparselab.core.errors import FileError, SettingError
from sparselab.core.im2col import ColumnOrder, as_matrix, column_permutation
from sparselab.core.inputs.arrays import nonfinite
from sparselab.core.inputs.layers import layer_of_matrices
from sparselab.core.layer import FloatMatrix, Layer
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

    def to_file(self, matrix: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
        """Return a matrix of the layer in the order and the shape that the tensor has in the file."""
        if self.column_order != _NATIVE:
            assert self.kernel_shape is not None
            native = matrix
            matrix = np.empty_like(native)
            matrix[:, column_permutation(native.shape[1], self.kernel_shape, self.column_order)] = native
        return matrix.reshape(shape)


def fits_kernel(shape: tuple[int, ...], options: ReadOptions) -> bool:
    """Whether the columns of a matrix divide into the kernels that the options speak of."""
    return prod(shape[1:]) % prod(options.kernel_shape or (1,)) == 0


def load_layer(plan: Plan, weight: ArchiveEntry | None, mask: ArchiveEntry | None) -> Layer:
    """Load the tensors of a layer and join them as `layer_of_matrices` does.

    Raises: FileError for NaN and infinite numbers.
    """
    values, kept = (None if entry is None else _matrix(plan, entry) for entry in (weight, mask))
    return layer_of_matrices(plan.name, values, kept, plan.kernel_shape)


def check_finite(name: str, values: NDArray[Any]) -> None:
    """Raises: FileError when a weight is no number or infinite."""
    if wrong := nonfinite(values):
        raise FileError(f"{name}: {wrong}")


def _matrix(plan: Plan, entry: ArchiveEntry) -> FloatMatrix:
    values = entry.load()
    check_finite(plan.name, values)
    matrix, _ = as_matrix(values)
    if plan.column_order != _NATIVE:
        assert plan.kernel_shape is not None
        matrix = matrix[:, column_permutation(matrix.shape[1], plan.kernel_shape, plan.column_order)]
    return matrix


def _times(sizes: tuple[int, ...]) -> str:
    return "x".join(map(str, sizes))
