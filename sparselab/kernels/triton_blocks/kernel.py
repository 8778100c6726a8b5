"""Our own kernel for shuffled blocks on CUDA, in Triton: matrix products and any two-dimensional convolution."""

from __future__ import annotations

import hashlib
import importlib.util
import os
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from sparselab.kernels.base import Kernel, Work, random_input
from sparselab.kernels.steps import LayerStep
from sparselab.kernels.support.panels import blocks_unsupported_reason, panels
from sparselab.kernels.triton_blocks.configs import INTERPRETED, Config, coarse, fine
from sparselab.kernels.triton_blocks.input_layouts import arrangements
from sparselab.kernels.triton_blocks.launch import BlockProduct, interpreted, packed, packed_tiles
from sparselab.kernels.triton_blocks.step import TritonStep
from sparselab.kernels.triton_blocks.tile_tuning import chosen
from sparselab.kernels.triton_blocks.tiles import joined

if TYPE_CHECKING:
    import torch

_DTYPES = ("float32", "tf32", "float16", "bfloat16")
_MOST_COMPILED_AT_ONCE = 8
_PACKINGS_KEPT = 16  # while tiles are timed: packing a large layer takes longer than timing it


@dataclass(frozen=True)
class TritonBlocks(Kernel):
    """Y[rows_g] = W_g X[cols_g] for every group g, in one launch: a program owns a tile of rows and a run of positions.

    The address of a value of X is its column's offset plus its position's: for a matrix product and for any convolution
    alike. Sums are float32 and come in one order. Where rows lie in several groups, one launch more for each adds to what the
    one before wrote, rounded in between. Tile sizes are timed at `prepare`, and the quickest are kept on disk.
    """

    title: ClassVar[str] = "Triton blocks"
    source: ClassVar[str] = "sparselab/kernels/triton_blocks/programs.py"
    devices: ClassVar[tuple[str, ...]] = ("cuda",)
    runs_blocks: ClassVar[bool] = True
    trains: ClassVar[bool] = True
    preference: ClassVar[int | None] = 0

    def unsupported_reason(self, work: Work) -> str:
        if not work.on_cuda and not interpreted():
            return "needs a CUDA device; choose device cuda where there is one"
        if importlib.util.find_spec("triton") is None:
            return "needs triton, which the CUDA builds of PyTorch for Linux bring along"
        if work.dtype not in _DTYPES:
            return f"multiplies {', '.join(_DTYPES)}; got {work.dtype}"
        return blocks_unsupported_reason(work.layout)

    def prepare(self, work: Work) -> BlockProduct:
        """Pack for the quickest config, which the run carries as `config`."""
        return packed(work, INTERPRETED if interpreted() else self.tuned(work))

    def step(self, work: Work) -> LayerStep:
        """Return a step in tiles that no trial has chosen: a step is prepared before its shapes are known."""
        return TritonStep(work, INTERPRETED if interpreted() else None)

    def tuned(self, work: Work) -> Config:
        """Return the quickest config for this work on its device, timed now unless it was before."""
        parts = joined(panels(work.layout))
        heights = np.array([panel.rows.size for panel in parts], dtype=np.int64)
        most_cols = max((panel.cols.size for panel in parts), default=1)
        trial = _Trial(work)
        return chosen(
            _key(work, heights),
            coarse(heights, work.positions, most_cols, work.dtype, arrangements(work.conv)),
            lambda config: fine(config, work.dtype),
            trial.milliseconds,
            trial.compile_all,
        )


def _key(work: Work, heights: NDArray[np.int64]) -> dict[str, Any]:
    """What the quickest config depends on: the program, the device, versions, shapes and how full the layer is."""
    import torch
    import triton

    program = Path(__file__).with_name("programs.py").read_bytes()
    return {
        "program": hashlib.sha256(program).hexdigest()[:16],
        "device": torch.cuda.get_device_name(work.device),
        "torch": torch.__version__,
        "triton": triton.__version__,
        "weight": work.tensor_shape,
        "input": work.input_shape,
        "stride": work.conv and work.conv.stride,
        "padding": work.conv and work.conv.padding,
        "bias": work.bias is not None,
        "dtype": work.dtype,
        "density": round(work.layout.after.density, 2),
        "panels": heights.size,
        "heights": np.quantile(heights, [0, 0.25, 0.5, 0.75, 1]).tolist() if heights.size else [],
    }


class _Trial:
    """What times configs on one random input."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self._tiles = lru_cache(maxsize=_PACKINGS_KEPT)(partial(packed_tiles, work))

    @cached_property
    def x(self) -> torch.Tensor:
        return random_input(self.work)

    def milliseconds(self, config: Config) -> float:
        """Return how long a product takes; infinite where the device has too little for the config."""
        from triton.testing import do_bench

        run = self._ready(config)
        if run is None:
            return float("inf")
        return float(do_bench(lambda: run(self.x), warmup=5, rep=20, return_mode="median"))

    def compile_all(self, configs: Collection[Config]) -> None:
        """Run each config once, several at a time: most of a trial is compiling, which runs beside itself."""
        if interpreted():
            return
        _ = self.x  # drawn once, before several ask for it
        for block_m, block_k in dict.fromkeys((config.block_m, config.block_k) for config in configs):
            self._tiles(block_m, block_k)
        with ThreadPoolExecutor(min(_MOST_COMPILED_AT_ONCE, os.cpu_count() or 1)) as pool:
            list(pool.map(self._ready, configs))

    def _ready(self, config: Config) -> BlockProduct | None:
        from triton.compiler.errors import CompileTimeAssertionFailure
        from triton.runtime.errors import OutOfResources, PTXASError

        run = packed(self.work, config, self._tiles(config.block_m, config.block_k))
        try:
            run(self.x)
        except (OutOfResources, CompileTimeAssertionFailure, PTXASError):
            return None
        return run
