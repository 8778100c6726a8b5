"""A layer packed for the Triton kernel, and its launches: one to arrange X where it must be, one for each pass."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sparselab.core.errors import SettingError
from sparselab.kernels.base import Run, Work
from sparselab.kernels.support.panels import panels
from sparselab.kernels.triton_blocks.configs import Config
from sparselab.kernels.triton_blocks.input_layouts import Geometry, Rearranged, geometry_of
from sparselab.kernels.triton_blocks.tiles import Tiles, joined, passes, tiles

if TYPE_CHECKING:
    import torch

_ARRANGE_BLOCK = 1024
LARGEST_32_BIT = 2**31 - 1
SHAPES_KEPT = 8


@dataclass(frozen=True, eq=False, kw_only=True)
class Launch:
    """One pass over Y, for X of one shape; what it passes is named as the parameters of the Triton program are."""

    grid: tuple[int]
    tensors: Mapping[str, torch.Tensor]
    bias: torch.Tensor | None
    numbers: Mapping[str, int]
    constants: Mapping[str, Any]

    def __call__(self, x: torch.Tensor, y: torch.Tensor) -> None:
        from sparselab.kernels.triton_blocks.programs import product

        bias = y if self.bias is None else self.bias
        product[self.grid](x=x, bias=bias, y=y, **self.tensors, **self.numbers, **self.constants)


@dataclass(frozen=True)
class BlockProduct:
    """The run of a layer, the config it was packed for, and its launches for a shape of X."""

    config: Config
    run: Run
    launches: Callable[[tuple[int, ...]], list[Launch]]

    @property
    def told(self) -> str:
        """The config in words, beside the time it took."""
        return ", ".join(f"{name} {value}" for name, value in vars(self.config).items())

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        return self.run(x)


def interpreted() -> bool:
    """Whether Triton interprets its programs in Python: TRITON_INTERPRET, which must be set before triton is imported."""
    return os.environ.get("TRITON_INTERPRET", "").lower() in ("1", "true", "yes", "on", "y")


def empty(shape: tuple[int, ...], dtype: torch.dtype, device: str | torch.device) -> torch.Tensor:
    """Return memory for the kernel: all that it reads and writes comes from here, but for an X that lies as it should."""
    import torch

    return torch.empty(shape, dtype=dtype, device=device)


def packed(work: Work, config: Config) -> BlockProduct:
    """Return the run of `work` in tiles of `config`: right for any number of positions and images."""
    weight = work.masked_weight
    dealt = passes(joined(panels(work.layout)), work.layout.after.rows)
    parts = [tiles(part, weight, config.block_m, config.block_k) for part in dealt]
    bias = None if work.bias is None else upload(work.bias, work.torch_dtype, work.device)
    steps = [
        Pass(
            work,
            config,
            part,
            upload(part.weight, work.torch_dtype, work.device),
            bias=None if number else bias,
            accumulate=number > 0,
        )
        for number, part in enumerate(parts)
    ]

    @lru_cache(maxsize=SHAPES_KEPT)
    def launches(shape: tuple[int, ...]) -> tuple[Geometry, tuple[int, ...], list[Launch]]:
        y_shape = output_shape(work, shape)
        geometry = geometry_of(config.arrangement, shape, work.layout.after.cols, work.conv)
        return geometry, y_shape, [launch_of(step, geometry, shape) for step in steps]

    def run(x: torch.Tensor) -> torch.Tensor:

        if x.dtype != work.torch_dtype:
            raise SettingError(f"expected an input of {work.torch_dtype}; got {x.dtype}")
        geometry, y_shape, ready = launches(tuple(x.shape))
        x = x.contiguous()
        with on_device_of(x):
            if geometry.rearranged is not None:
                x = arranged(x, geometry.rearranged)
            y = empty(y_shape, x.dtype, x.device)
            for launch in ready:
                launch(x, y)
        return y

    return BlockProduct(config, run, lambda shape: launches(shape)[2])


class Pass:
    """Tiles on the device, no two of which share a row."""

    def __init__(
        self,
        work: Work,
        config: Config,
        part: Tiles,
        weight: torch.Tensor,
        *,
        bias: torch.Tensor | None,
        accumulate: bool,
    ) -> None:
        import torch

        self.work, self.config, self.part, self.bias, self.accumulate = work, config, part, bias, accumulate
        self.weight = weight
        self.first = upload(part.first, torch.int32, work.device)
        self.rows = upload(part.rows, torch.int32, work.device)


def launch_of(step: Pass, geometry: Geometry, shape: tuple[int, ...]) -> Launch:
    """Return the launch of a pass for X of this shape."""
    import torch

    work, config, cols, positions = step.work, step.config, step.part.cols, geometry.positions
    checked = config.arrangement == "checked" and work.conv is not None
    y_row = positions.lines * positions.width
    y_image = y_row * work.layout.after.rows
    wide = max(geometry.numel, positions.images * y_image, step.part.weight.size) > LARGEST_32_BIT
    offsets = upload(geometry.offsets[cols], torch.int64 if wide else torch.int32, work.device)
    taps = upload(geometry.taps[cols], torch.int32, work.device) if checked else offsets
    kernel = (1, 1) if work.conv is None else work.conv.kernel_shape
    numbers = {
        "tiles": step.part.count,
        "positions": positions.count,
        "pitch": positions.pitch,
        "width": positions.width,
        "lines": positions.lines,
        "x_image": geometry.strides.image,
        "x_line": geometry.strides.line,
        "x_place": geometry.strides.position,
        "y_image": y_image,
        "y_row": y_row,
        "x_height": shape[-2],
        "x_width": shape[-1],
        "stride": 1 if work.conv is None else work.conv.stride,
        "padding": 0 if work.conv is None else work.conv.padding,
    }
    constants: dict[str, Any] = {
        "HAS_BIAS": step.bias is not None,
        "ACCUMULATE": step.accumulate,
        "PLAIN": geometry.plain and not checked,
        "CHECKED": checked,
        "KERNEL_HEIGHT": kernel[0],
        "KERNEL_WIDTH": kernel[1],
        "WIDE": wide,
        "X_ALIGN": geometry.x_align(cols),
        "Y_ALIGN": geometry.y_align,
        "PRECISION": "ieee" if work.dtype == "float32" else "tf32",
        # The interpreter multiplies bfloat16 as if its bits were whole numbers.
        "UPCAST": interpreted() and work.dtype == "bfloat16",
        "BLOCK_M": config.block_m,
        "BLOCK_N": config.block_n,
        "BLOCK_K": config.block_k,
        "enable_fp_fusion": True,  # said, because Triton's default is about to change
        "num_warps": config.warps,
        "num_stages": config.stages,
    }
    return Launch(
        grid=(step.part.count * -(-positions.count // config.block_n),),
        tensors={"weight": step.weight, "offsets": offsets, "taps": taps, "first": step.first, "rows": step.rows},
        bias=step.bias,
        numbers=numbers,
        constants=constants,
    )


def on_device_of(x: torch.Tensor) -> AbstractContextManager[object]:
    """Return a context in which Triton launches where X lies."""
    import torch

    return torch.cuda.device(x.device) if x.is_cuda else nullcontext()


def arranged(x: torch.Tensor, into: Rearranged) -> torch.Tensor:
    """Return X written anew, zeros round it."""
    from sparselab.kernels.triton_blocks.programs import arrange

    images, channels, height, width = x.shape
    planes = images * channels
    total = into.copies * planes * into.height * into.pitch
    out = empty((total,), x.dtype, x.device)
    arrange[(-(-total // _ARRANGE_BLOCK),)](
        x=x,
        out=out,
        total=total,
        planes=planes,
        x_height=height,
        x_width=width,
        height=into.height,
        pitch=into.pitch,
        step=into.step,
        padding=into.border,
        WIDE=max(total, x.numel()) > LARGEST_32_BIT - _ARRANGE_BLOCK,
        BLOCK=_ARRANGE_BLOCK,
        enable_fp_fusion=True,
    )
    return out


def output_shape(work: Work, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return Y's shape. Raises: SettingError where X is not one for these weights."""
    rows, cols = work.layout.after.shape
    area = 1 if work.conv is None else prod(work.conv.kernel_shape)
    channels_at, dimensions = (0, 2) if work.conv is None else (1, 4)
    if len(shape) != dimensions or shape[channels_at] * area != cols:
        raise SettingError(f"expected an input like {work.input_shape}; got {shape}")
    if work.conv is None:
        return rows, shape[1]
    return (shape[0], rows, *work.conv.output_size(*shape[2:]))


def upload(array: NDArray[np.generic], dtype: torch.dtype, device: str) -> torch.Tensor:
    """Return the array on the device, in memory of one element at least: an empty one has no address."""
    import torch

    values = torch.from_numpy(np.ascontiguousarray(array)).to(dtype)
    there = empty((max(1, values.numel()),), dtype, device)
    there[: values.numel()].copy_(values.reshape(-1))
    return there
