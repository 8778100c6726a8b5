"""Blocks of any layout in C: nothing is gathered per group, and every sum stays in registers."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from functools import lru_cache
from itertools import product as pairs
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from sparselab.kernels.base import Conv, Kernel, Run, Work
from sparselab.kernels.native.compiler import compiler_unsupported_reason, library
from sparselab.kernels.native.geometry import CGeometry, geometry_of
from sparselab.kernels.native.packing import Packed, pack
from sparselab.kernels.support.autotune import quickest
from sparselab.kernels.support.panels import blocks_unsupported_reason

if TYPE_CHECKING:
    import torch

_Long = ctypes.c_int64
_SHAPES_KEPT = 64


class _Plan(ctypes.Structure):
    _fields_: ClassVar = [
        *[(name, _Long) for name in ("tiles", "chunk", "shared", "splits")],
        ("split_starts", ctypes.c_void_p),
    ]


@dataclass(frozen=True)
class NativeBlocks(Kernel):
    """Y[rows] += W[rows, cols] X[cols] for every panel, by a C kernel compiled for this processor.

    Positions are cut into tiles that fit the cache; the rows of X in use are packed once a tile for all panels, so that
    narrow groups cost no gather of their own. A convolution is packed straight from its input, without im2col in memory.
    `prepare` times a few sizes of tiles on the shape it is given and keeps the quickest.

    Source: the loops of Goto and van de Geijn (ACM TOMS 2008), with a list of columns in place of a range.
    """

    title: ClassVar[str] = "Blocks in C"
    source: ClassVar[str] = "ours; Goto & van de Geijn (TOMS 2008) with column lists"
    devices: ClassVar[tuple[str, ...]] = ("cpu",)
    runs_blocks: ClassVar[bool] = True
    preference: ClassVar[int | None] = 2

    def unsupported_reason(self, work: Work) -> str:
        if work.on_cuda:
            return "runs on the CPU"
        if work.dtype != "float32":
            return "computes in float32"
        return blocks_unsupported_reason(work.layout) or compiler_unsupported_reason()

    def prepare(self, work: Work) -> Run:
        packed = pack(work)
        plans = _plans(packed.used.size, work.positions)
        runs = {
            f"{tiles} tiles, {chunk} columns at once": compiled_run(packed, work.conv, tiles, chunk)
            for tiles, chunk in plans
        }
        return quickest(runs, work)


def _plans(columns: int, positions: int) -> list[tuple[int, int]]:
    """Sizes worth a trial: tiles in a block of positions, and columns packed at once."""
    code = library()
    tiles = min(-(-positions // code.blocks_tile()), code.blocks_most_tiles())
    chunks = {max(1, min(columns, chunk)) for chunk in (512, 1024, 2048, 8192)}
    return list(pairs(sorted({min(tiles, size) for size in (1, 2, 4, 8)}), sorted(chunks)))


@dataclass(frozen=True, eq=False, kw_only=True)
class _Call:
    """What a run over inputs of one shape with one number of threads needs besides its tensors."""

    geometry: CGeometry
    output_shape: tuple[int, ...]
    plan: _Plan
    starts: NDArray[np.int64]
    scratch_each: int
    scratch: int
    padded: int


def compiled_run(packed: Packed, conv: Conv | None, tiles: int, chunk: int) -> Run:
    """Return the run that packs `chunk` columns of at most `tiles` tiles of positions at once.

    It reads whatever lies at the address of X: only for an X that was `checked`.
    """
    import torch

    code, product = library(), packed.struct
    tile = code.blocks_tile()

    @lru_cache(maxsize=_SHAPES_KEPT)
    def call(shape: tuple[int, ...], threads: int) -> _Call:
        geometry = geometry_of(shape, conv)
        total = -(-geometry.positions // tile)
        blocks = threads * max(1, -(-total // (threads * tiles)))
        per_block = max(1, -(-total // blocks))
        starts = _splits(packed, threads, -(-total // per_block))
        plan = _Plan(
            tiles=per_block,
            chunk=chunk,
            shared=packed.shared_rows,
            splits=starts.size - 1,
            split_starts=starts.ctypes.data,
        )
        # One piece of scratch a thread: blocks.c packs tiles of X in it, and sums tiles of Y.
        each = per_block * (chunk * tile + 64 + packed.rows * tile)
        return _Call(
            geometry=geometry,
            output_shape=geometry.output_shape(packed.rows, conv),
            plan=plan,
            starts=starts,
            scratch_each=each,
            scratch=threads * each,
            padded=geometry.padded_size,
        )

    def run(x: torch.Tensor) -> torch.Tensor:
        # A view may be the negative of what lies in memory, and C reads the memory.
        x, of = x.resolve_neg().contiguous(), call(tuple(x.shape), torch.get_num_threads())
        sizes = of.output_shape, of.scratch, of.padded
        y, scratch, padded = (torch.empty(size, dtype=torch.float32, device="cpu") for size in sizes)
        addresses = torch.empty(packed.used.size, dtype=torch.int64, device="cpu")
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


def _splits(packed: Packed, threads: int, blocks: int) -> NDArray[np.int64]:
    """Where the panels are cut so that few positions still keep every thread busy: ranges of like area.

    Panels that share rows are never cut apart: two threads would write one row.
    """
    wanted = 1 if packed.shared_rows or blocks >= threads else min(-(-threads // max(1, blocks)), packed.areas.size)
    sums = np.cumsum(packed.areas)
    cuts = np.searchsorted(sums, sums[-1] * np.arange(1, wanted) / wanted)
    return np.unique(np.concatenate([[0], cuts, [packed.areas.size]])).astype(np.int64)
