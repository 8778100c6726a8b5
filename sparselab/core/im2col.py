"""Convolution weights as matrices, their column orders, and a convolution as a matrix product."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from sparselab.core.errors import SparselabError

if TYPE_CHECKING:
    import torch

ColumnOrder = Literal["cin-kh-kw", "kh-kw-cin"]
"""What a column of a convolution's matrix runs over, slowest first. PyTorch's own is cin-kh-kw."""

COLUMN_ORDERS: tuple[ColumnOrder, ...] = ("cin-kh-kw", "kh-kw-cin")


def as_matrix(weight: NDArray[Any]) -> tuple[NDArray[Any], tuple[int, ...] | None]:
    """Return a weight as a matrix out x (in * kernel), columns cin-kh-kw, and its kernel shape (None if it has none).

    Raises: SparselabError for fewer than two dimensions.
    Example: >>> as_matrix(np.zeros((8, 3, 5, 5)))[0].shape
             (8, 75)
    """
    if weight.ndim < 2:
        raise SparselabError(f"expected a weight of 2 dimensions or more; got {weight.shape}")
    kernel_shape = weight.shape[2:] if weight.ndim > 2 else None
    return weight.reshape(weight.shape[0], -1), kernel_shape


def column_permutation(cols: int, kernel_shape: tuple[int, ...], source: ColumnOrder) -> NDArray[np.int64]:
    """Return p with `matrix_in_cin_kh_kw = matrix_in_source[:, p]`.

    Raises: SparselabError when `cols` is no multiple of the kernel's area, or the order has no such name.
    Example: >>> column_permutation(8, (2, 2), "kh-kw-cin").tolist()
             [0, 2, 4, 6, 1, 3, 5, 7]
    """
    area = prod(kernel_shape)
    if cols % area:
        raise SparselabError(f"expected a multiple of {area} columns for a kernel of {kernel_shape}; got {cols}")
    if source not in COLUMN_ORDERS:
        raise SparselabError(f"expected a column order of {', '.join(COLUMN_ORDERS)}; got {source!r}")
    places = np.arange(cols, dtype=np.int64)
    return places if source == "cin-kh-kw" else places.reshape(area, cols // area).T.reshape(-1)


def im2col(images: torch.Tensor, kernel_shape: tuple[int, int], *, stride: int = 1, padding: int = 0) -> torch.Tensor:
    """Return the columns of a convolution's input: N x C x H x W -> (C * kh * kw) x (N * positions), order cin-kh-kw.

    `weight.reshape(out, -1) @ im2col(images, ...)` holds the convolution's outputs, one column a position, image by image.

    Example: >>> import torch
             >>> tuple(im2col(torch.zeros(1, 3, 5, 5), (3, 3)).shape)
             (27, 9)
    """
    from torch.nn.functional import unfold

    columns = unfold(images, kernel_shape, stride=stride, padding=padding)
    return columns.transpose(0, 1).reshape(columns.shape[1], -1)
