"""Y = W X + b of blocks, as C runs it: what a run of prepared weights and a training step share."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from sparselab.kernels.base import Conv
from sparselab.kernels.native.compiler import library
from sparselab.kernels.native.geometry import CGeometry, as_c_reads_it, geometry_of, memory_for
from sparselab.kernels.native.packing import PackedProduct, PanelLists, splits

if TYPE_CHECKING:
    import torch

_Long = ctypes.c_int64
_SHAPES_KEPT = 64


class _Plan(ctypes.Structure):
    _fields_: ClassVar = [
        *[(name, _Long) for name in ("tiles", "chunk", "shared", "splits")],
        ("split_starts", ctypes.c_void_p),
    ]


@dataclass(frozen=True, eq=False, kw_only=True)
class _Call:
    """What a run over inputs of one shape with one number of threads needs besides its tensors."""

    geometry: CGeometry
    plan: _Plan
    starts: NDArray[np.int64]
    scratch_each: int
    scratch: int


def block_product(
    lists: PanelLists, conv: Conv | None, tiles: int, chunk: int
) -> Callable[[torch.Tensor, PackedProduct], torch.Tensor]:
    """Return Y of an X and the struct of `lists` with weights: what `compiled_run` runs. Y lies in memory as X does."""
    import torch

    code = library()
    tile = code.blocks_tile()

    @lru_cache(maxsize=_SHAPES_KEPT)
    def call(shape: tuple[int, ...], by_position: bool, threads: int) -> _Call:
        geometry = geometry_of(shape, conv, by_position=by_position)
        total = -(-geometry.positions // tile)
        blocks = threads * max(1, -(-total // (threads * tiles)))
        per_block = max(1, -(-total // blocks))
        starts = _splits(lists, threads, -(-total // per_block))
        plan = _Plan(
            tiles=per_block,
            chunk=chunk,
            shared=lists.shared_rows,
            splits=starts.size - 1,
            split_starts=starts.ctypes.data,
        )
        # One piece of scratch a thread: blocks.c packs tiles of X in it, and sums tiles of Y.
        each = per_block * (chunk * tile + 64 + lists.rows * tile)
        return _Call(geometry=geometry, plan=plan, starts=starts, scratch_each=each, scratch=threads * each)

    def run(x: torch.Tensor, product: PackedProduct) -> torch.Tensor:
        x, geometry = as_c_reads_it(x, conv)
        of = call(tuple(x.shape), bool(geometry.by_position), torch.get_num_threads())
        y = memory_for(of.geometry.output_shape(lists.rows, conv), of.geometry)
        sizes = of.scratch, of.geometry.padded_size
        scratch, padded = (torch.empty(size, dtype=torch.float32, device="cpu") for size in sizes)
        addresses = torch.empty(lists.used.size + lists.rows, dtype=torch.int64, device="cpu")
        if y.numel():
            code.blocks_run(
                x.data_ptr(),
                y.data_ptr(),
                padded.data_ptr(),
                scratch.data_ptr(),
                of.scratch_each,
                addresses.data_ptr(),
                ctypes.byref(of.geometry),
                ctypes.byref(product),
                ctypes.byref(of.plan),
            )
        return y

    return run


def _splits(lists: PanelLists, threads: int, blocks: int) -> NDArray[np.int64]:
    """Where the panels are cut so that few positions still keep every thread busy.

    Panels that share rows are never cut apart: two threads would write one row.
    """
    return splits(lists, 1 if lists.shared_rows or blocks >= threads else -(-threads // max(1, blocks)))
