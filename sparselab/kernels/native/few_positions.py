"""Y = W X + b of blocks at few positions: lanes of a vector are rows of a panel, not positions."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING

from sparselab.kernels.base import Conv, Run
from sparselab.kernels.native.compiler import library
from sparselab.kernels.native.geometry import as_c_reads_it, memory_for
from sparselab.kernels.native.packing import Packed

if TYPE_CHECKING:
    import torch


def few_positions_run(packed: Packed, conv: Conv | None) -> Run:
    """Return the run that takes a few positions at once, however many there are; Y lies in memory as X does.

    It reads whatever lies at the address of X: only for an X that was `checked`.
    """
    code, lists = library(), packed.lists

    def run(x: torch.Tensor) -> torch.Tensor:
        import torch

        x, geometry = as_c_reads_it(x, conv)
        y = memory_for(geometry.output_shape(lists.rows, conv), geometry)
        sizes = geometry.padded_size, code.blocks_few() * lists.used.size
        padded, columns = (torch.empty(size, dtype=torch.float32, device="cpu") for size in sizes)
        places = torch.empty(lists.used.size, dtype=torch.int64, device="cpu")
        if y.numel():
            addresses = [part.data_ptr() for part in (x, y, padded, columns, places)]
            code.blocks_run_few(*addresses, ctypes.byref(geometry), ctypes.byref(packed.struct), lists.shared_rows)
        return y

    return run
