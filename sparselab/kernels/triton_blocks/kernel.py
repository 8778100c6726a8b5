"""Our own kernel for shuffled blocks on CUDA, in Triton: matrix products and any two-dimensional convolution."""

from __future__ import annotations

import hashlib
import importlib.util
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from sparselab.kernels.base import Kernel, Work, random_input
from sparselab.kernels.steps import LayerStep
from sparselab.kernels.support.panels import blocks_unsupported_reason, panels
from sparselab.kernels.triton_blocks.configs import INTERPRETED, UNTUNED, Config, coarse, fine
from sparselab.kernels.triton_blocks.input_layouts import arrangements
from sparselab.kernels.triton_blocks.launch import BlockProduct, PackedTiles, interpreted, packed, packed_tiles
from sparselab.kernels.triton_blocks.step import TritonStep
from sparselab.kernels.triton_blocks.tile_tuning import Timer, chosen
from sparselab.kernels.triton_blocks.tiles import joined

_DTYPES = ("float32", "tf32", "float16", "bfloat16")
_PACKINGS_KEPT = 8  # while tiles are timed: packing a large layer takes longer than timing it


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
        """Return a step in tiles of one size, `UNTUNED`: a step is prepared before its shapes are known."""
        return TritonStep(work, INTERPRETED if interpreted() else UNTUNED)

    def tuned(self, work: Work) -> Config:
        """Return the quickest config for this work on its device, timed now unless it was before."""
        parts = joined(panels(work.layout))
        heights = np.array([panel.rows.size for panel in parts], dtype=np.int64)
        most_cols = max((panel.cols.size for panel in parts), default=1)
        return chosen(
            _key(work, heights),
            coarse(heights, work.positions, most_cols, work.dtype, arrangements(work.conv)),
            lambda config: fine(config, work.dtype),
            _timer(work),
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


def _timer(work: Work) -> Timer:
    """Return what times a config on random input; a device that has too little for it takes forever."""
    from triton.compiler.errors import CompileTimeAssertionFailure
    from triton.runtime.errors import OutOfResources, PTXASError
    from triton.testing import do_bench

    x = random_input(work)

    @lru_cache(maxsize=_PACKINGS_KEPT)
    def tiles_of(block_m: int, block_k: int) -> PackedTiles:
        return packed_tiles(work, block_m, block_k)

    def milliseconds(config: Config) -> float:
        try:
            run = packed(work, config, tiles_of(config.block_m, config.block_k))
            return float(do_bench(lambda: run(x), warmup=5, rep=20, return_mode="median"))
        except (OutOfResources, CompileTimeAssertionFailure, PTXASError):
            return float("inf")

    return milliseconds
