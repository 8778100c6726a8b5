"""A training step through blocks in Triton: the tiles of the forward product serve dW, and dX is a product and a sum."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sparselab.core.errors import SettingError
from sparselab.core.layout import Block, Layout
from sparselab.core.mask import IntVector, Mask
from sparselab.kernels.base import Conv, Work
from sparselab.kernels.steps import LayerStep
from sparselab.kernels.support.panels import Panel, panel_places, panels
from sparselab.kernels.triton_blocks import launch, memory
from sparselab.kernels.triton_blocks.configs import Config
from sparselab.kernels.triton_blocks.input_layouts import Geometry, geometry_of
from sparselab.kernels.triton_blocks.tiles import joined, passes, tiles

if TYPE_CHECKING:
    import torch
    from torch import Tensor

_COLLECT_BLOCK = 256


class TritonStep(LayerStep):
    """Y, dX and dW of blocks in one type, which sums in float32.

    dX in two launches, since a column of W lies in several panels: every panel's columns are multiplied into rows of their own
    (W_g^T dY, the forward program on the transposed panels), and then summed where they belong, in one order. Those rows are
    as many as all panels have columns, in float32: at density d and G groups, dG times the memory of dX.
    """

    def __init__(self, work: Work, config: Config) -> None:
        parts = panels(work.layout)
        self._work, self._config, self._places = work, config, panel_places(parts)
        numbers = np.zeros(work.layout.after.shape)  # of every value from 1 on; 0: none
        numbers[self._places] = np.arange(1, self._places[0].size + 1)
        self._forward = _Product(work, config, numbers)
        columns = np.concatenate([np.zeros(0, np.int64), *(part.cols for part in parts)])
        self._backward = _transposed(work, config, parts, numbers) if columns.size else None
        self._items = _Items(work, columns)

    @property
    def places(self) -> tuple[IntVector, IntVector]:
        return self._places

    def product(self, x: Tensor, values: Tensor, bias: Tensor | None) -> Tensor:
        return self._forward(self._taken(x), self._values(values), bias, self._work.torch_dtype)

    def input_gradient(self, slope: Tensor, x: Tensor, values: Tensor) -> Tensor:
        import torch

        slope = self._slope(slope, x)
        if self._backward is None or not x.numel() or not slope.numel():
            return torch.zeros_like(x)
        each = self._backward(slope, self._values(values), None, torch.float32)
        return self._items.collected(each, tuple(x.shape), x.dtype)

    def value_gradient(self, slope: Tensor, x: Tensor) -> Tensor:
        x, slope = self._taken(x), self._slope(slope, x)
        if not x.numel() or not slope.numel() or not self._places[0].size:
            return x.new_zeros(self._places[0].size)
        return self._forward.weight_gradient(slope, x).to(x.dtype)

    def _taken(self, x: Tensor) -> Tensor:
        if x.dtype != self._work.torch_dtype:
            raise SettingError(f"expected an input of {self._work.torch_dtype}; got {x.dtype}")
        launch.output_shape(self._work, tuple(x.shape))
        return x.detach().contiguous()

    def _slope(self, slope: Tensor, x: Tensor) -> Tensor:
        shape = launch.output_shape(self._work, tuple(x.shape))
        if tuple(slope.shape) != shape or slope.dtype != x.dtype or slope.device != x.device:
            raise SettingError(
                f"expected a slope of {shape}, {x.dtype} on {x.device}, as Y is; got {tuple(slope.shape)}, "
                f"{slope.dtype} on {slope.device}"
            )
        return slope.detach().contiguous()

    def _values(self, values: Tensor) -> Tensor:
        if values.numel() != self._places[0].size:
            raise SettingError(f"expected {self._places[0].size} values; got {values.numel()}")
        return values.detach().to(self._work.torch_dtype)


class _Product:
    """A product whose weights change from call to call: where each value lies in its tiles."""

    def __init__(self, work: Work, config: Config, numbers: NDArray[np.float64]) -> None:
        import torch

        self.work, self.config = work, config
        dealt = passes(joined(panels(work.layout)), work.layout.after.rows)
        self.parts = [tiles(part, numbers, config.block_m, config.block_k) for part in dealt]
        self.index = [memory.upload(part.weight, torch.int64, work.device)[: part.weight.size] for part in self.parts]
        flat = np.concatenate([part.weight.ravel() for part in self.parts]).astype(np.int64)
        held = np.flatnonzero(flat)
        order = np.zeros(held.size, np.int64)
        order[flat[held] - 1] = held
        # Where in all tiles, one pass after the other, a value lies; and the tile of every k-block of a pass.
        self.order = torch.from_numpy(order).to(work.device)
        self.blocks = [int(part.first[-1]) for part in self.parts]
        self.owners = [
            memory.upload(np.repeat(np.arange(part.count), np.diff(part.first)), torch.int32, work.device)
            for part in self.parts
        ]
        self.launches = lru_cache(maxsize=launch.SHAPES_KEPT)(self._launches)

    def __call__(self, x: Tensor, values: Tensor, bias: Tensor | None, dtype: torch.dtype) -> Tensor:
        import torch

        geometry, shape, ready = self.launches(tuple(x.shape), bias is not None)
        padded = torch.cat([values.new_zeros(1), values])
        given = None if bias is None else _held(bias.detach().to(x.dtype))
        with memory.on_device_of(x):
            x = x if geometry.rearranged is None else memory.arranged(x, geometry.rearranged)
            y = memory.empty(shape, dtype, x.device)
            if not y.numel():
                return y
            for number, (each, index) in enumerate(zip(ready, self.index, strict=True)):
                weight = memory.empty((max(1, index.numel()),), x.dtype, x.device)
                weight[: index.numel()] = padded[index]
                replace(each, tensors={**each.tensors, "weight": weight}, bias=None if number else given)(x, y)
        return y

    def _launches(
        self, shape: tuple[int, ...], has_bias: bool
    ) -> tuple[Geometry, tuple[int, ...], list[launch.Launch]]:
        import torch

        geometry = geometry_of("padded", shape, self.work.layout.after.cols, self.work.conv)
        nothing = torch.empty(0, device=self.work.device)  # stands for the weights and the bias of a call
        steps = [
            launch.Pass(
                self.work,
                self.config,
                part,
                nothing,
                bias=nothing if has_bias and not number else None,
                accumulate=number > 0,
            )
            for number, part in enumerate(self.parts)
        ]
        return (
            geometry,
            launch.output_shape(self.work, shape),
            [launch.launch_of(step, geometry, shape) for step in steps],
        )

    def weight_gradient(self, slope: Tensor, x: Tensor) -> Tensor:
        """Return dW of every value in float32."""
        import torch

        from sparselab.kernels.triton_blocks.gradient_programs import weight_gradient

        geometry, _, ready = self.launches(tuple(x.shape), False)
        names = ("positions", "pitch", "width", "lines", "x_image", "x_line", "x_place", "y_image", "y_row")
        constants = ("PLAIN", "WIDE", "PRECISION", "UPCAST", "BLOCK_M", "BLOCK_N", "BLOCK_K", "enable_fp_fusion")
        with memory.on_device_of(x):
            x = x if geometry.rearranged is None else memory.arranged(x, geometry.rearranged)
            found = []
            for part, each, blocks, owners in zip(self.parts, ready, self.blocks, self.owners, strict=True):
                out = memory.empty((max(1, part.weight.size),), torch.float32, x.device)
                if blocks:
                    weight_gradient[(blocks,)](
                        x=x,
                        slope=slope,
                        owners=owners,
                        out=out,
                        **{name: each.tensors[name] for name in ("offsets", "rows")},
                        **{name: each.numbers[name] for name in names},
                        **{name: each.constants[name] for name in constants},
                    )
                found.append(out[: part.weight.size])
        return torch.cat(found)[self.order]


class _Items:
    """The rows of the transposed product, and where in X each of them is added."""

    def __init__(self, work: Work, columns: IntVector) -> None:
        import torch

        self.work, self.count = work, columns.size
        self.conv = Conv((1, 1)) if work.conv is None else work.conv
        height, width = self.conv.kernel_shape
        channels, row, column = np.unravel_index(columns, (work.layout.after.cols // (height * width), height, width))
        order = np.argsort(channels, kind="stable")
        first = np.searchsorted(channels[order], np.arange(work.layout.after.cols // (height * width) + 1))
        lists = {"first": first, "slots": order, "kernel_rows": row[order], "kernel_columns": column[order]}
        self.lists = {name: memory.upload(of, torch.int32, work.device) for name, of in lists.items()}

    def collected(self, each: Tensor, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
        """Return dX of the shape of X."""
        from sparselab.kernels.triton_blocks.gradient_programs import collect

        images, channels, height, width = shape if len(shape) == 4 else (1, shape[0], 1, shape[1])
        dx = memory.empty(shape, dtype, each.device)
        count = images * height * width
        with memory.on_device_of(each):
            collect[(channels * -(-count // _COLLECT_BLOCK),)](
                parts=each,
                out=dx,
                count=count,
                channels=channels,
                height=height,
                width=width,
                slot_count=self.count,
                out_height=each.shape[2] if each.dim() == 4 else 1,
                out_width=each.shape[-1],
                stride=self.conv.stride,
                padding=self.conv.padding,
                WIDE=max(each.numel(), dx.numel()) > memory.LARGEST_32_BIT - _COLLECT_BLOCK,
                BLOCK=_COLLECT_BLOCK,
                enable_fp_fusion=True,
                **self.lists,
            )
        return dx


def _transposed(work: Work, config: Config, parts: tuple[Panel, ...], numbers: NDArray[np.float64]) -> _Product:
    """Return W_g^T dY for every panel g: slot after slot a column of a panel, in the order of the panels."""
    ends = np.cumsum([part.cols.size for part in parts])
    slots = [Block(np.arange(end - part.cols.size, end), part.rows) for part, end in zip(parts, ends, strict=True)]
    shape = int(ends[-1]), work.layout.after.rows
    layout = Layout.from_blocks(Mask(np.zeros(shape, bool)), slots, reason="")
    columns = np.concatenate([part.cols for part in parts])
    kept = np.where(layout.after.kept, numbers.T[columns], 0.0)
    conv = None if work.conv is None else Conv((1, 1))
    return _Product(
        Work(layout, kept, work.output_shape, conv=conv, dtype=work.dtype, device=work.device), config, kept
    )


def _held(bias: Tensor) -> Tensor:
    """Return a bias in memory of the kernel's."""
    there = memory.empty(tuple(bias.shape), bias.dtype, bias.device)
    return there.copy_(bias)
