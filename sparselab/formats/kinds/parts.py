"""The tensors that make one layer, and how they become its matrix and go back."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sparselab.core.errors import FileError
from sparselab.core.im2col import ColumnOrder, column_permutation
from sparselab.formats.base import ArchiveEntry
from sparselab.formats.names import clean_name

NATIVE: ColumnOrder = "cin-kh-kw"
Form: TypeAlias = Literal["pair", "plain zeros", "mask alone"]


@dataclass(frozen=True, kw_only=True)
class LayerParts:
    """The weight and the mask of a file that are one layer: their entries as the reader gave them, and what was assumed.

    `name` is the layer's, `base` the same as the file spells it, without the ending that says which of the two a tensor is.
    `axes` has a letter for each axis of the file's tensor: O out, I in, H W D the kernel, E experts; O and I may come twice, and
    are then read as one axis. `kernel_shape` and `column_order` are those of a convolution that lies flat, as a matrix, in the
    file. `threshold` is the largest value that counts as pruned, None for what is not zero. `is_mask`: the one tensor is a mask
    whatever its values are.
    """

    name: str
    base: str
    weight: ArchiveEntry | None
    mask: ArchiveEntry | None
    axes: str
    groups: int = 1
    stride: int = 1
    padding: int = 0
    kernel_shape: tuple[int, ...] | None = None
    column_order: ColumnOrder = NATIVE
    threshold: float | None = None
    notes: tuple[str, ...] = ()

    @property
    def form(self) -> Form:
        """How the mask goes with the weight: a tensor of its own, the zeros of the weight, or without any weight."""
        if self.weight is None:
            return "mask alone"
        return "plain zeros" if self.mask is None else "pair"

    @cached_property
    def entries(self) -> tuple[ArchiveEntry, ...]:
        return tuple(entry for entry in (self.weight, self.mask) if entry is not None)

    @property
    def file_shape(self) -> tuple[int, ...]:
        """The shape of the tensor in the file: the weight's, or the mask's where it is alone."""
        return self.entries[0].shape

    @cached_property
    def order(self) -> tuple[int, ...]:
        """The file's axes in the order (experts, out, in, kernel ...): `np.transpose(tensor, order)` has that order."""
        place = {"E": 0, "O": 1, "I": 2}
        return tuple(sorted(range(len(self.axes)), key=lambda axis: (place.get(self.axes[axis], 3), axis)))

    @cached_property
    def inverse(self) -> tuple[int, ...]:
        """The way back: `np.transpose(np.transpose(tensor, order), inverse)` is the tensor."""
        return tuple(int(axis) for axis in np.argsort(self.order))

    @cached_property
    def rows(self) -> int:
        """Rows of the matrix: outputs of all experts, one expert after the other."""
        return prod(size for size, letter in zip(self.file_shape, self.axes, strict=True) if letter in "EO")

    @property
    def cols(self) -> int:
        return prod(self.file_shape) // self.rows

    @cached_property
    def kernel(self) -> tuple[int, ...] | None:
        """The kernel's shape, None for a linear layer."""
        if self.kernel_shape is not None:
            return self.kernel_shape
        sizes = tuple(self.file_shape[axis] for axis in self.order if self.axes[axis] not in "EOI")
        return sizes or None

    @property
    def tensor_shape(self) -> tuple[int, ...]:
        """The weight's shape in PyTorch: (out, in) or (out, in, kernel ...)."""
        kernel = self.kernel or ()
        return (self.rows, self.cols // prod(kernel), *kernel)

    @property
    def source(self) -> str:
        """What was read and what was done to it, in words."""
        text = f"{' and '.join(clean_name(entry.name) for entry in self.entries)}, {times(self.file_shape)}"
        moved = self.order != tuple(range(len(self.axes)))
        if moved or "E" in self.axes:
            text += f" as {self.axes}"
        if moved or len(self.file_shape) > 2:
            text += f" -> {self.rows}x{self.cols}"
        if "E" in self.axes:
            text += f", the rows of {self.groups} experts one after the other"
        elif self.groups > 1:
            text += f", {self.groups} groups"
        if self.kernel_shape is not None:
            text += f", kernel {times(self.kernel_shape)}"
            if self.column_order != NATIVE:
                text += f", columns {self.column_order} -> {NATIVE}"
        return text

    def matrix_of(self, tensor: NDArray[Any]) -> NDArray[Any]:
        """Return a tensor of the file's shape as the layer's matrix, columns cin-kh-kw."""
        matrix = np.transpose(tensor, self.order).reshape(self.rows, self.cols)
        return matrix if self._columns is None else matrix[:, self._columns]

    def tensor_of(self, matrix: NDArray[Any]) -> NDArray[Any]:
        """Return a matrix of the layer as a tensor of the file's shape: what `matrix_of` undoes."""
        if self._columns is not None:
            back = np.empty_like(matrix)
            back[:, self._columns] = matrix
            matrix = back
        shape = tuple(self.file_shape[axis] for axis in self.order)
        return np.transpose(matrix.reshape(shape), self.inverse)

    def mask_matrix_of(self, mask: NDArray[Any]) -> NDArray[Any]:
        """Return the mask of the file, which may be flat or one number a channel, as a matrix of the layer's shape."""
        return self.matrix_of(spread(mask, self.file_shape, self.axes))

    @cached_property
    def _columns(self) -> NDArray[np.int64] | None:
        if self.column_order == NATIVE or self.kernel_shape is None:
            return None
        return column_permutation(self.cols, self.kernel_shape, self.column_order)


def spreads(mask: tuple[int, ...], weight: tuple[int, ...]) -> bool:
    """Whether a mask of this shape says something of every weight: equal, flat, or a number a channel.

    Example: >>> [spreads(mask, (16, 8, 3, 3)) for mask in ((16, 8, 3, 3), (16, 72), (16, 1, 1, 1), (16,), (8, 16))]
             [True, True, True, True, False]
    """
    return mask in mask_shapes(weight)


def mask_shapes(weight: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    """Return the shapes that a mask of a weight may have: the weight's, flat, one number an output or an input."""
    ones = (1,) * (len(weight) - 1)
    found = [weight, (weight[0], prod(weight[1:])), (prod(weight[:-1]), weight[-1])]
    found += [(weight[0], *ones), (weight[0],), (1, weight[1], *ones[1:]), (*ones, weight[-1])]
    return tuple(dict.fromkeys(found))


def spread(mask: NDArray[Any], weight: tuple[int, ...], axes: str) -> NDArray[Any]:
    """Return a mask of one of `mask_shapes` in the weight's own shape; a vector is a number an output.

    Raises: FileError for a vector that is not as long as the weight has outputs.
    """
    if mask.shape == weight:
        return mask
    if mask.size == prod(weight):
        return mask.reshape(weight)
    if mask.ndim == 1:
        outputs = [size for size, letter in zip(weight, axes, strict=True) if letter == "O"]
        if outputs != [mask.size]:
            raise FileError(f"expected a mask of {times(tuple(outputs))} outputs; got {mask.size} numbers")
        mask = mask.reshape([size if letter == "O" else 1 for size, letter in zip(weight, axes, strict=True)])
    return np.broadcast_to(mask, weight)


def times(sizes: tuple[int, ...]) -> str:
    """Return sizes as text, such as 3x3."""
    return "x".join(map(str, sizes))
