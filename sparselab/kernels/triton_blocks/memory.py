"""Memory on the device for the Triton kernels, and tensors written anew as these read them."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sparselab.kernels.triton_blocks.input_layouts import Rearranged

if TYPE_CHECKING:
    import torch

LARGEST_32_BIT = 2**31 - 1
_ARRANGE_BLOCK = 1024
_TRANSPOSE_ROWS, _TRANSPOSE_COLS = 64, 64


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


def transposed(x: torch.Tensor) -> torch.Tensor:
    """Return the transpose of a contiguous matrix, in memory of its own: torch's copy reads or writes it number by number."""
    from sparselab.kernels.triton_blocks.programs import transpose

    rows, cols = x.shape
    out = empty((cols, rows), x.dtype, x.device)
    if x.numel():
        transpose[(-(-rows // _TRANSPOSE_ROWS) * -(-cols // _TRANSPOSE_COLS),)](
            x=x,
            out=out,
            rows=rows,
            cols=cols,
            WIDE=x.numel() > LARGEST_32_BIT - _TRANSPOSE_ROWS * (rows + cols),
            BLOCK_ROWS=_TRANSPOSE_ROWS,
            BLOCK_COLS=_TRANSPOSE_COLS,
            enable_fp_fusion=True,
        )
    return out
