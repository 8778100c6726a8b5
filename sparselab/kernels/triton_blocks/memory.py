"""Memory on the device for the Triton kernels, and tensors written anew as these read them."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sparselab.kernels.triton_blocks.input_layouts import Rearranged
from sparselab.kernels.triton_blocks.program_launch import ProgramLaunch

if TYPE_CHECKING:
    import torch

LARGEST_32_BIT = 2**31 - 1
_ARRANGE_BLOCK = 1024
_TRANSPOSE_ROWS, _TRANSPOSE_COLS = 64, 64
_LAUNCHES_KEPT = 64


def empty(shape: tuple[int, ...], dtype: torch.dtype, device: str | torch.device) -> torch.Tensor:
    """Return memory for the kernel: all that it reads and writes comes from here, but for an X that lies as it should."""
    import torch

    return torch.empty(shape, dtype=dtype, device=device)


def upload(array: NDArray[np.generic], dtype: torch.dtype, device: str) -> torch.Tensor:
    """Return the array on the device, in memory of one element at least: an empty one has no address."""
    import torch

    values = torch.from_numpy(np.ascontiguousarray(array)).to(dtype)
    there = empty((max(1, values.numel()),), dtype, device)
    there[: values.numel()].copy_(values.reshape(-1))
    return there


def on_device_of(x: torch.Tensor) -> AbstractContextManager[object]:
    """Return a context in which Triton launches where X lies."""
    import torch

    return torch.cuda.device(x.device) if x.is_cuda else nullcontext()


def arranged(x: torch.Tensor, into: Rearranged) -> torch.Tensor:
    """Return X written anew, zeros round it."""
    images, channels, height, width = x.shape
    total = images * channels * into.height * into.pitch
    out = empty((into.copies * total,), x.dtype, x.device)
    wide = max(out.numel(), x.numel()) > LARGEST_32_BIT - _ARRANGE_BLOCK
    _arranging(total, height, width, into, wide, x.dtype, x.device)(x=x, out=out)
    return out


@lru_cache(maxsize=_LAUNCHES_KEPT)
def _arranging(
    total: int, height: int, width: int, into: Rearranged, wide: bool, _dtype: torch.dtype, _device: torch.device
) -> ProgramLaunch:
    """A launch is compiled for a type and on a device."""
    from sparselab.kernels.triton_blocks.programs import arrange

    return ProgramLaunch(
        arrange,
        -(-total // _ARRANGE_BLOCK),
        {
            "total": total,
            "COPIES": into.copies,
            "X_HEIGHT": height,
            "X_WIDTH": width,
            "HEIGHT": into.height,
            "PITCH": into.pitch,
            "STEP": into.step,
            "BORDER": into.border,
            "WIDE": wide,
            "BLOCK": _ARRANGE_BLOCK,
            "enable_fp_fusion": True,
        },
    )


def transposed(x: torch.Tensor) -> torch.Tensor:
    """Return the transpose of a contiguous matrix, in memory of its own: torch's copy reads or writes it number by number."""
    rows, cols = x.shape
    out = empty((cols, rows), x.dtype, x.device)
    wide = rows * cols > LARGEST_32_BIT - _TRANSPOSE_ROWS * (rows + cols)
    if x.numel():
        _transposing(rows, cols, wide, x.dtype, x.device)(x=x, out=out)
    return out


@lru_cache(maxsize=_LAUNCHES_KEPT)
def _transposing(rows: int, cols: int, wide: bool, _dtype: torch.dtype, _device: torch.device) -> ProgramLaunch:
    """A launch is compiled for a type and on a device."""
    from sparselab.kernels.triton_blocks.programs import transpose

    return ProgramLaunch(
        transpose,
        -(-rows // _TRANSPOSE_ROWS) * -(-cols // _TRANSPOSE_COLS),
        {
            "rows": rows,
            "cols": cols,
            "WIDE": wide,
            "BLOCK_ROWS": _TRANSPOSE_ROWS,
            "BLOCK_COLS": _TRANSPOSE_COLS,
            "enable_fp_fusion": True,
        },
    )
