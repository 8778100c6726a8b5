"""A training step through blocks in Triton: the tiles of the forward product serve dW, and dX is a product and a sum."""

from __future__ import annotations

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
from sparselab.kernels.triton_blocks.dense_gradient import DenseInputGradient
from sparselab.kernels.triton_blocks.step_product import StepProduct

if TYPE_CHECKING:
    import torch
    from torch import Tensor

_COLLECT_BLOCK = 256

_DENSE_IS_QUICKER = ("float16", "bfloat16")


class TritonStep(LayerStep):
    """Y, dX and dW of blocks in one type, which sums in float32.

    dX in two launches, since a column of W lies in several panels: every panel's columns are multiplied into rows of their own
    (W_g^T dY, the forward program on the transposed panels), and then summed where they belong, in one order. Those rows are
    as many as all panels have columns, in float32: at density d and G groups, dG times the memory of dX. In 2-byte types, where
    writing and reading these takes longer than the whole dense product, dX is that product: W^T dY of the weight made dense.

    config: the tiles; None: those that suit most layers.
    """

    def __init__(self, work: Work, config: Config | None = None) -> None:
        parts = panels(work.layout)
        self._work, self._places = work, panel_places(parts)
        numbers = np.zeros(work.layout.after.shape)  # of every value from 1 on; 0: none
        numbers[self._places] = np.arange(1, self._places[0].size + 1)
        self._forward = StepProduct(work, config, numbers)
        self._input_gradient: DenseInputGradient | _SummedInputGradient | None = None
        if self._places[0].size:
            if work.dtype in _DENSE_IS_QUICKER:
                self._input_gradient = DenseInputGradient(work, self._places)
            else:
                self._input_gradient = _SummedInputGradient(work, config, parts, numbers)

    @property
    def places(self) -> tuple[IntVector, IntVector]:
        return self._places

    def product(self, x: Tensor, values: Tensor, bias: Tensor | None) -> Tensor:
        return self._forward(self._taken(x), self._values(values), bias, self._work.torch_dtype)

    def input_gradient(self, slope: Tensor, x: Tensor, values: Tensor) -> Tensor:
        import torch

        slope = self._slope(slope, x)
        if self._input_gradient is None or not x.numel() or not slope.numel():
            return torch.zeros_like(x)
        return self._input_gradient(slope, x, self._values(values))

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


class _SummedInputGradient:
    """dX in two launches: a row for every column of every panel, then the sums of those."""

    def __init__(
        self, work: Work, config: Config | None, parts: tuple[Panel, ...], numbers: NDArray[np.float64]
    ) -> None:
        self._rows = _transposed(work, config, parts, numbers)
        self._items = _Items(work, np.concatenate([part.cols for part in parts]))

    def __call__(self, slope: Tensor, x: Tensor, values: Tensor) -> Tensor:
        import torch

        each = self._rows(slope, values, None, torch.float32)
        return self._items.collected(each, tuple(x.shape), x.dtype)


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


def _transposed(
    work: Work, config: Config | None, parts: tuple[Panel, ...], numbers: NDArray[np.float64]
) -> StepProduct:
    """Return W_g^T dY for every panel g: slot after slot a column of a panel, in the order of the panels."""
    ends = np.cumsum([part.cols.size for part in parts])
    slots = [Block(np.arange(end - part.cols.size, end), part.rows) for part, end in zip(parts, ends, strict=True)]
    shape = int(ends[-1]), work.layout.after.rows
    layout = Layout.from_blocks(Mask(np.zeros(shape, bool)), slots, reason="")
    columns = np.concatenate([part.cols for part in parts])
    kept = np.where(layout.after.kept, numbers.T[columns], 0.0)
    conv = None if work.conv is None else Conv((1, 1))
    return StepProduct(
        Work(layout, kept, work.output_shape, conv=conv, dtype=work.dtype, device=work.device), config, kept
    )
