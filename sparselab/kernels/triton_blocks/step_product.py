"""A product of blocks whose weights change from call to call, and dW in the same tiles."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sparselab.kernels.base import Work
from sparselab.kernels.support.panels import panels
from sparselab.kernels.triton_blocks import launch, memory
from sparselab.kernels.triton_blocks.configs import Config, untuned
from sparselab.kernels.triton_blocks.input_layouts import Geometry, geometry_of
from sparselab.kernels.triton_blocks.program_launch import ProgramLaunch
from sparselab.kernels.triton_blocks.tiles import joined, passes, tiles

if TYPE_CHECKING:
    import torch
    from torch import Tensor


class StepProduct:
    """A product whose weights change from call to call: where each value lies in its tiles."""

    def __init__(self, work: Work, config: Config | None, numbers: NDArray[np.float64]) -> None:
        import torch

        together = joined(panels(work.layout))
        height, width = (
            max((part.rows.size for part in together), default=1),
            max((part.cols.size for part in together), default=1),
        )
        self.work = work
        self.config = config = config or untuned(height, width, work.dtype)
        dealt = passes(together, work.layout.after.rows)
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
                each(x=x, weight=weight, bias=y if number or given is None else given, y=y)
        return y

    def _launches(
        self, shape: tuple[int, ...], has_bias: bool
    ) -> tuple[Geometry, tuple[int, ...], list[ProgramLaunch]]:
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
        taken = {*weight_gradient.arg_names, "enable_fp_fusion"}
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
                        **{name: value for name, value in each.given.items() if name in taken},
                    )
                found.append(out[: part.weight.size])
        return torch.cat(found)[self.order]


def _held(bias: Tensor) -> Tensor:
    """Return a bias in memory of the kernel's."""
    there = memory.empty(tuple(bias.shape), bias.dtype, bias.device)
    return there.copy_(bias)
