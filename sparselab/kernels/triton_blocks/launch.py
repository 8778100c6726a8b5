"""A layer packed for the Triton kernel, and its launches: one to arrange X where it must be, one for each pass."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import TYPE_CHECKING, Any

from sparselab.core.errors import SettingError
from sparselab.kernels.base import Run, Work
from sparselab.kernels.support.panels import panels
from sparselab.kernels.triton_blocks import memory
from sparselab.kernels.triton_blocks.configs import Config
from sparselab.kernels.triton_blocks.input_layouts import Geometry, geometry_of
from sparselab.kernels.triton_blocks.program_launch import ProgramLaunch
from sparselab.kernels.triton_blocks.tiles import Tiles, joined, passes, tiles

if TYPE_CHECKING:
    import torch

SHAPES_KEPT = 8


@dataclass(frozen=True)
class BlockProduct:
    """The run of a layer, the config it was packed for, and its launches for a shape of X."""

    config: Config
    run: Run
    launches: Callable[[tuple[int, ...]], list[ProgramLaunch]]

    @property
    def told(self) -> str:
        """The config in words, beside the time it took."""
        return ", ".join(f"{name} {value}" for name, value in vars(self.config).items())

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        return self.run(x)


def interpreted() -> bool:
    """Whether Triton interprets its programs in Python: TRITON_INTERPRET, which must be set before triton is imported."""
    return os.environ.get("TRITON_INTERPRET", "").lower() in ("1", "true", "yes", "on", "y")


@dataclass(frozen=True, eq=False)
class PackedTiles:
    """A layer's weights on the device in tiles of block_m rows and block_k columns: those of each pass over Y, and the bias."""

    block_m: int
    block_k: int
    passes: tuple[tuple[Tiles, torch.Tensor], ...]
    bias: torch.Tensor | None


def packed_tiles(work: Work, block_m: int, block_k: int) -> PackedTiles:
    """Return the weights of `work` as any config with tiles of this height and depth reads them."""
    dealt = passes(joined(panels(work.layout)), work.layout.after.rows)
    weight = work.masked_weight  # made at every look
    parts = [tiles(part, weight, block_m, block_k) for part in dealt]
    bias = None if work.bias is None else memory.upload(work.bias, work.torch_dtype, work.device)
    return PackedTiles(
        block_m,
        block_k,
        tuple((part, memory.upload(part.weight, work.torch_dtype, work.device)) for part in parts),
        bias,
    )


def packed(work: Work, config: Config, of: PackedTiles | None = None) -> BlockProduct:
    """Return the run of `work` in tiles of `config`, packed anew unless `of` is given: right for any number of positions and images."""
    of = packed_tiles(work, config.block_m, config.block_k) if of is None else of
    assert (of.block_m, of.block_k) == (config.block_m, config.block_k)
    steps = [
        Pass(work, config, part, weight, bias=None if number else of.bias, accumulate=number > 0)
        for number, (part, weight) in enumerate(of.passes)
    ]

    @lru_cache(maxsize=SHAPES_KEPT)
    def launches(shape: tuple[int, ...]) -> tuple[Geometry, tuple[int, ...], list[ProgramLaunch]]:
        y_shape = output_shape(work, shape)
        geometry = geometry_of(config.arrangement, shape, work.layout.after.cols, work.conv)
        return geometry, y_shape, [launch_of(step, geometry, shape) for step in steps]

    def run(x: torch.Tensor) -> torch.Tensor:
        if x.dtype != work.torch_dtype:
            raise SettingError(f"expected an input of {work.torch_dtype}; got {x.dtype}")
        geometry, y_shape, ready = launches(tuple(x.shape))
        by_position = x.dim() == 2 and x.t().is_contiguous() and not x.is_contiguous()
        with memory.on_device_of(x):
            x = memory.transposed(x.t()) if by_position else x.contiguous()
            if geometry.rearranged is not None:
                x = memory.arranged(x, geometry.rearranged)
            y = memory.empty(y_shape, x.dtype, x.device)
            for step, launch in zip(steps, ready, strict=True):
                launch(x=x, weight=step.weight, bias=y if step.bias is None else step.bias, y=y)
            return memory.transposed(y).t() if by_position else y

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
        self.first = memory.upload(part.first, torch.int32, work.device)
        self.rows = memory.upload(part.rows, torch.int32, work.device)


def launch_of(step: Pass, geometry: Geometry, shape: tuple[int, ...]) -> ProgramLaunch:
    """Return the launch of a pass for X of this shape, to be given x, weight, bias (any address where there is none) and y."""
    import torch

    from sparselab.kernels.triton_blocks.programs import product

    work, config, cols, positions = step.work, step.config, step.part.cols, geometry.positions
    checked = config.arrangement == "checked" and work.conv is not None
    y_row = positions.lines * positions.width
    y_image = y_row * work.layout.after.rows
    wide = max(geometry.numel, positions.images * y_image, step.part.weight.size) > memory.LARGEST_32_BIT
    offsets = memory.upload(geometry.offsets[cols], torch.int64 if wide else torch.int32, work.device)
    taps = memory.upload(geometry.taps[cols], torch.int32, work.device) if checked else offsets
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
    lists = {"offsets": offsets, "taps": taps, "first": step.first, "rows": step.rows}
    return ProgramLaunch(product, step.part.count * -(-positions.count // config.block_n), lists | numbers | constants)


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
