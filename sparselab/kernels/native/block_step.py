"""A training step through blocks in C: every product touches kept weights alone."""

from __future__ import annotations

import ctypes
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from sparselab.core.errors import SettingError
from sparselab.core.layout import Layout
from sparselab.core.mask import IntVector
from sparselab.kernels.base import Conv
from sparselab.kernels.native.block_product import block_product
from sparselab.kernels.native.compiler import library
from sparselab.kernels.native.geometry import CGeometry, as_c_reads_it, geometry_of, memory_for
from sparselab.kernels.native.packing import panel_lists, splits
from sparselab.kernels.steps import LayerStep
from sparselab.kernels.support.input_checks import check_input
from sparselab.kernels.support.panels import panel_places, panels

if TYPE_CHECKING:
    from torch import Tensor

_CACHED = 1 << 17
"""Numbers of X, dX and dY that are packed at once where that leaves a tile: half a second-level cache of a megabyte."""
_MOST_TILES = 8
_MOST_PARTS = 8
"""Ranges of positions that sum dW apart, at most: each takes as much memory as the weights."""
_SLACK = 64
"""Numbers behind each piece of scratch: at least the lanes of a vector."""
_FORWARD = 2, 8192
"""Tiles of positions and columns at once for Y; a trial, as `NativeBlocks.prepare` makes, would cost more than most steps gain."""


class _Share(ctypes.Structure):
    """The `share` of gradients.c."""

    _fields_: ClassVar = [
        *[(name, ctypes.c_int64) for name in ("parts", "tiles", "splits")],
        *[(name, ctypes.c_void_p) for name in ("split_starts", "sum_starts")],
    ]


class BlockStep(LayerStep):
    """Y, dX and dW of blocks in float32. X and dY lie features first or position by position; Y and dX lie as X does."""

    def __init__(self, layout: Layout, conv: Conv | None) -> None:
        self._panels, self._lists, self._conv = panels(layout), panel_lists(layout), conv
        self._columns = layout.after.cols
        code, heights = library(), np.diff(self._lists.row_starts)
        self._tile, self._slab, lanes = code.blocks_tile(), code.gradients_slab(), code.gradients_lanes()
        left = heights % self._slab
        padded = heights - left + np.where(left > lanes, self._slab, np.where(left > 0, lanes, 0))
        sums = np.cumsum(padded * np.diff(self._lists.column_starts))
        self._sum_starts: NDArray[np.int64] = np.concatenate([[0], sums]).astype(np.int64)
        self._splits = lru_cache(maxsize=8)(lambda wanted: splits(self._lists, wanted))
        self._multiply = block_product(self._lists, conv, *_FORWARD)

    @cached_property
    def places(self) -> tuple[IntVector, IntVector]:
        return panel_places(self._panels)

    def product(self, x: Tensor, values: Tensor, bias: Tensor | None) -> Tensor:
        weights, bias = self._packed(values, for_input=False), None if bias is None else bias.detach().contiguous()
        product = self._lists.struct(weights.data_ptr(), None if bias is None else bias.data_ptr())
        self._check_input(x)
        return self._multiply(x.detach(), product)

    def input_gradient(self, slope: Tensor, x: Tensor, values: Tensor) -> Tensor:
        import torch

        slope, of_y = self._output(slope, x)
        _, of_x = as_c_reads_it(x.detach(), self._conv)
        dx = memory_for(tuple(x.shape), of_x)
        if not dx.numel() or not slope.numel() or not self._lists.used.size:
            return dx.zero_()
        tiles, threads = self._tiles(self._lists.rows + self._lists.used.size), torch.get_num_threads()
        whole = -(-of_x.positions // int(of_x.images) // self._tile)
        if of_x.is_line:
            rounds = -(-whole // (threads * tiles))
            parts = min(whole, threads * rounds)
            tiles = -(-whole // parts)
            spread_size = 0
        else:
            parts = min(whole, -(-threads // int(of_x.images)))
            spread_size = parts * (of_x.padded_size or dx.numel()) if of_x.padded_size or parts > 1 else 0
        weights, spread = self._packed(values, for_input=True), self._room(spread_size)
        each = (self._lists.rows + self._lists.used.size) * tiles * self._tile + 2 * _SLACK
        scratch, places = self._room(threads * each), self._places()
        library().blocks_input_gradient(
            slope.data_ptr(),
            dx.data_ptr(),
            spread.data_ptr() if spread_size else dx.data_ptr(),
            scratch.data_ptr(),
            each,
            places.data_ptr(),
            ctypes.byref(of_x),
            ctypes.byref(of_y),
            ctypes.byref(self._lists.struct(weights.data_ptr())),
            ctypes.byref(_Share(parts=parts, tiles=tiles)),
        )
        return dx

    def value_gradient(self, slope: Tensor, x: Tensor) -> Tensor:
        import torch

        (slope, of_y), (x, of_x) = self._output(slope, x), as_c_reads_it(x.detach(), self._conv)
        gradient = self._room(self._lists.size)
        if not x.numel() or not slope.numel() or not gradient.numel():
            return gradient.zero_()
        tiles, threads = self._tiles(self._lists.rows + self._lists.used.size), torch.get_num_threads()
        parts = min(-(-of_x.positions // self._tile), threads, _MOST_PARTS)
        tiles = min(tiles, -(-of_x.positions // self._tile // parts) or 1)
        starts = self._splits(-(-threads // parts))
        each = (self._lists.rows + self._lists.used.size + self._slab) * tiles * self._tile + 3 * _SLACK
        sums, padded = self._room(parts * int(self._sum_starts[-1])), self._room(of_x.padded_size)
        scratch, places = self._room(threads * each), self._places()
        share = _Share(
            parts=parts,
            tiles=tiles,
            splits=starts.size - 1,
            split_starts=starts.ctypes.data,
            sum_starts=self._sum_starts.ctypes.data,
        )
        product = self._lists.struct()
        library().blocks_weight_gradient(
            x.data_ptr(),
            slope.data_ptr(),
            sums.data_ptr(),
            padded.data_ptr(),
            scratch.data_ptr(),
            each,
            places.data_ptr(),
            ctypes.byref(of_x),
            ctypes.byref(of_y),
            ctypes.byref(product),
            ctypes.byref(share),
        )
        library().blocks_take_sums(sums.data_ptr(), gradient.data_ptr(), ctypes.byref(product), ctypes.byref(share))
        return gradient

    def _check_input(self, x: Tensor) -> None:
        import torch

        area = 1 if self._conv is None else self._conv.kernel_shape[0] * self._conv.kernel_shape[1]
        check_input(x, self._columns // area, self._conv, dtype=torch.float32, device="cpu")

    def _output(self, slope: Tensor, x: Tensor) -> tuple[Tensor, CGeometry]:
        """Return dY as C reads it, and Y as the input of a product of its own shape."""
        self._check_input(x)
        shape = geometry_of(tuple(x.shape), self._conv).output_shape(self._lists.rows, self._conv)
        if tuple(slope.shape) != shape or slope.dtype != x.dtype or slope.device != x.device:
            raise SettingError(
                f"expected a slope of {shape}, {x.dtype} on {x.device}, as Y is; got {tuple(slope.shape)}, "
                f"{slope.dtype} on {slope.device}"
            )
        return as_c_reads_it(slope.detach(), None if self._conv is None else Conv((1, 1)))

    def _tiles(self, columns: int) -> int:
        return max(1, min(_MOST_TILES, _CACHED // (columns * int(self._tile))))

    def _packed(self, values: Tensor, *, for_input: bool) -> Tensor:
        import torch

        if values.numel() != self._lists.size or values.dtype != torch.float32 or values.device.type != "cpu":
            raise SettingError(
                f"expected {self._lists.size} values of float32 on the cpu; got {values.numel()} of {values.dtype} on {values.device}"
            )
        values, weights = values.detach().contiguous(), self._room(self._lists.size)
        product = self._lists.struct()
        library().blocks_pack_values(values.data_ptr(), weights.data_ptr(), ctypes.byref(product), for_input)
        return weights

    def _places(self) -> Tensor:
        import torch

        return torch.empty(self._lists.used.size + self._lists.rows, dtype=torch.int64, device="cpu")

    def _room(self, size: int) -> Tensor:
        import torch

        return torch.empty(size, dtype=torch.float32, device="cpu")
