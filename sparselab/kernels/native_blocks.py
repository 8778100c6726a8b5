"""Blocks of any layout in C: nothing is gathered per group, and every sum stays in registers."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import product as pairs
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from sparselab.errors import SparselabError
from sparselab.kernels.base import Conv, Kernel, Run, Work
from sparselab.kernels.compiled import compiled_obstacle, library
from sparselab.kernels.panels import Panel, blocks_obstacle, panels, share_rows
from sparselab.kernels.trial import quickest
from sparselab.transform import FloatMatrix

if TYPE_CHECKING:
    import torch

_Long = ctypes.c_int64
_Place = ctypes.c_void_p


class _Geometry(ctypes.Structure):
    _fields_: ClassVar = [
        *[(name, _Long) for name in ("images", "channels", "height", "width", "kernel_height", "kernel_width")],
        *[(name, _Long) for name in ("stride", "padding", "out_height", "out_width")],
    ]


class _Product(ctypes.Structure):
    _fields_: ClassVar = [
        *[(name, _Long) for name in ("panels", "rows", "columns")],
        *[(name, _Place) for name in ("used", "row_starts", "rows_of", "column_starts", "columns_of")],
        *[(name, _Place) for name in ("weights", "weight_starts", "bias")],
    ]


class _Plan(ctypes.Structure):
    _fields_: ClassVar = [
        *[(name, _Long) for name in ("tiles", "chunk", "shared", "splits")],
        ("split_starts", _Place),
    ]


@dataclass(frozen=True, eq=False)
class Packed:
    """A product's panels as the C code reads them; the arrays must live as long as it runs."""

    rows: int
    features: int
    areas: NDArray[np.int64]
    shared_rows: bool
    used: NDArray[np.int64]
    row_starts: NDArray[np.int64]
    rows_of: NDArray[np.int64]
    column_starts: NDArray[np.int64]
    columns_of: NDArray[np.int32]
    weights: NDArray[np.float32]
    weight_starts: NDArray[np.int64]
    bias: NDArray[np.float32] | None

    @cached_property
    def struct(self) -> _Product:
        bias = None if self.bias is None else self.bias.ctypes.data
        arrays = (self.used, self.row_starts, self.rows_of, self.column_starts, self.columns_of)
        places = [array.ctypes.data for array in (*arrays, self.weights, self.weight_starts)]
        return _Product(self.areas.size, self.rows, self.used.size, *places, bias)


def pack(work: Work) -> Packed:
    """Return the panels of `work` packed: weights a few rows at a time, columns as places among those that are used.

    A last panel without columns holds the rows of no block, so that they too are given their bias.
    """
    code = library()
    parts = panels(work.layout)
    written = np.unique(np.concatenate([np.zeros(0, np.int64), *(part.rows for part in parts)]))
    rest = np.setdiff1d(np.arange(work.layout.after.rows), written)
    if rest.size:
        parts = (*parts, Panel(rest, np.zeros(0, np.int64)))
    columns = np.concatenate([part.cols for part in parts])
    used, places = np.unique(columns, return_inverse=True)
    ahead = np.zeros(code.blocks_ahead(), np.int32)
    weights = [_pack_rows(work.weight[np.ix_(part.rows, part.cols)], code.blocks_row_step) for part in parts]
    return Packed(
        rows=work.layout.after.rows,
        features=work.input_shape[0 if work.conv is None else 1],
        areas=np.array([part.rows.size * max(1, part.cols.size) for part in parts], np.int64),
        shared_rows=share_rows(parts),
        used=used.astype(np.int64),
        row_starts=_starts([part.rows.size for part in parts]),
        rows_of=np.concatenate([part.rows for part in parts]),
        column_starts=_starts([part.cols.size for part in parts]),
        columns_of=np.concatenate([places.reshape(-1).astype(np.int32), ahead]),
        weights=np.concatenate([np.zeros(0, np.float32), *weights]),
        weight_starts=_starts([part.rows.size * part.cols.size for part in parts]),
        bias=None if work.bias is None else np.ascontiguousarray(work.bias, np.float32),
    )


def _pack_rows(weight: FloatMatrix, row_step: Callable[[int], int]) -> NDArray[np.float32]:
    height = weight.shape[0]
    step = row_step(height)
    values = weight.astype(np.float32)
    return np.concatenate([values[row : row + step].T.reshape(-1) for row in range(0, height, step)])


def _starts(sizes: Sequence[int]) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)


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

    def obstacle(self, work: Work) -> str:
        if work.on_cuda:
            return "runs on the CPU"
        if work.dtype != "float32":
            return "computes in float32"
        return blocks_obstacle(work.layout) or compiled_obstacle()

    def prepare(self, work: Work) -> Run:
        packed = pack(work)
        plans = _plans(packed.used.size, work.positions)
        runs = {
            f"{tiles} tiles, {chunk} columns at once": _run(packed, work.conv, tiles, chunk) for tiles, chunk in plans
        }
        return quickest(runs, work)


def _plans(columns: int, positions: int) -> list[tuple[int, int]]:
    """Sizes worth a trial: tiles in a block of positions, and columns packed at once."""
    tiles = -(-positions // library().blocks_tile())
    chunks = {max(1, min(columns, chunk)) for chunk in (512, 1024, 2048, 8192)}
    return list(pairs(sorted({min(tiles, size) for size in (1, 2, 4, 8)}), sorted(chunks)))


@dataclass(frozen=True, eq=False)
class _Call:
    """What a run over inputs of one shape with one number of threads needs besides its tensors."""

    geometry: _Geometry
    output_shape: tuple[int, ...]
    plan: _Plan
    starts: NDArray[np.int64]
    scratch_each: int
    scratch: int
    padded: int


def _run(packed: Packed, conv: Conv | None, tiles: int, chunk: int) -> Run:
    import torch

    code, product = library(), packed.struct
    dimensions, features = (2 if conv is None else 4), packed.features
    tile = code.blocks_tile()

    @cache
    def call(shape: tuple[int, ...], threads: int) -> _Call:
        geometry = _geometry(shape, conv)
        sizes = geometry.out_height, geometry.out_width
        total = -(-geometry.images * sizes[0] * sizes[1] // tile)
        blocks = threads * max(1, -(-total // (threads * tiles)))
        per_block = max(1, -(-total // blocks))
        starts = _splits(packed, threads, -(-total // per_block))
        plan = _Plan(per_block, chunk, packed.shared_rows, starts.size - 1, starts.ctypes.data)
        out = (packed.rows, sizes[1]) if conv is None else (geometry.images, packed.rows, *sizes)
        # One piece of scratch a thread: blocks.c packs tiles of X in it, and sums tiles of Y.
        each = per_block * (chunk * tile + 64 + packed.rows * tile)
        return _Call(geometry, out, plan, starts, each, threads * each, _padded_size(geometry))

    def run(x: torch.Tensor) -> torch.Tensor:
        # Nobody behind us would notice: the C code reads what lies at an address.
        if (
            x.dtype != torch.float32
            or x.device.type != "cpu"
            or x.ndim != dimensions
            or x.shape[dimensions // 4] != features
        ):
            raise SparselabError(
                f"expected float32 numbers on the CPU with {features} {'rows' if conv is None else 'channels'}; "
                f"got {x.dtype} of shape {tuple(x.shape)} on {x.device}"
            )
        x, of = x.detach().contiguous(), call(tuple(x.shape), torch.get_num_threads())
        y = torch.empty(of.output_shape, dtype=torch.float32)
        scratch, padded = (torch.empty(size, dtype=torch.float32) for size in (of.scratch, of.padded))
        places = torch.empty(packed.used.size, dtype=torch.int64)
        if y.numel():
            code.blocks_run(
                x.data_ptr(),
                y.data_ptr(),
                padded.data_ptr(),
                scratch.data_ptr(),
                of.scratch_each,
                places.data_ptr(),
                ctypes.byref(of.geometry),
                ctypes.byref(product),
                ctypes.byref(of.plan),
            )
        return y

    return run


def _geometry(shape: tuple[int, ...], conv: Conv | None) -> _Geometry:
    """A matrix product is a convolution of one image of one line, with a 1 x 1 kernel."""
    if conv is None:
        features, positions = shape
        return _Geometry(1, features, 1, positions, 1, 1, 1, 0, 1, positions)
    images, channels, height, width = shape
    sizes = conv.output_size(height, width)
    return _Geometry(images, channels, height, width, *conv.kernel_shape, conv.stride, conv.padding, *sizes)


def _padded_size(geometry: _Geometry) -> int:
    if geometry.stride == 1 and geometry.padding == 0:
        return 0
    sides = [-(-(side + 2 * geometry.padding) // geometry.stride) for side in (geometry.height, geometry.width)]
    return int(geometry.images * geometry.channels * geometry.stride**2 * sides[0] * sides[1])


def _splits(packed: Packed, threads: int, blocks: int) -> NDArray[np.int64]:
    """Where the panels are cut so that few positions still keep every thread busy: ranges of like area.

    Panels that share rows are never cut apart: two threads would write one row.
    """
    wanted = 1 if packed.shared_rows or blocks >= threads else min(-(-threads // max(1, blocks)), packed.areas.size)
    sums = np.cumsum(packed.areas)
    cuts = np.searchsorted(sums, sums[-1] * np.arange(1, wanted) / wanted)
    return np.unique(np.concatenate([[0], cuts, [packed.areas.size]])).astype(np.int64)
