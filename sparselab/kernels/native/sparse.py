"""Any mask in C: no weight dropped, no zero multiplied, whether the mask has a structure or not."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from sparselab.kernels.base import Conv, Kernel, Run, Work
from sparselab.kernels.native.compiler import compiler_unsupported_reason, library
from sparselab.kernels.native.geometry import CGeometry, as_c_reads_it, memory_for
from sparselab.kernels.native.single_packing import PackedSingle, pack_single
from sparselab.kernels.native.sparse_packing import Form, PackedSparse, Used, pack
from sparselab.kernels.native.window_packing import PackedWindows, pack_windows
from sparselab.kernels.support.autotune import quickest

if TYPE_CHECKING:
    import torch

_Call = Callable[["torch.Tensor", "torch.Tensor", "torch.Tensor", CGeometry], None]
"""Hands C an X, a Y, room for the padded X, and the geometry."""

_FEW_POSITIONS = 8
"""Up to so many, one position at a time is worth a trial."""
_MOST_STEPS = 16_384
"""Weights of the longest row, up to which a packing by windows is worth its time: each is a step of it."""
_TILES = (1, 4, 8)
_CHUNKS = ((8192, 2), (8192, 4), (16384, 4))
"""Worth a trial: numbers of X packed at once, which the first-level cache should hold, and rows a bundle."""


@dataclass(frozen=True)
class NativeSparse(Kernel):
    """Y = W X + b for W with zeros anywhere, by a C kernel compiled for this processor: exact for every mask.

    Columns are cut into chunks whose rows of X, packed for a tile of positions, stay in the first-level cache. Within each
    chunk anew, rows that share columns are bundled by two or four: one load of X serves them all. A convolution is packed
    straight from its input, without im2col in memory. At few positions each row gathers its own columns instead, or with AVX-512
    sixteen rows look theirs up in a window of X that lies in registers.
    `prepare` times a few sizes of chunks, bundles and tiles on the shape it is given and keeps the quickest.

    What is not a number in X reaches the outputs that use it, and no others.
    Source: ours; column chunks as in Sputnik (Gale et al., SC 2020), which is for CUDA, with rows bundled by what they share.
    """

    title: ClassVar[str] = "Any mask in C"
    source: ClassVar[str] = "ours; rows bundled by shared columns, chunk by chunk"
    devices: ClassVar[tuple[str, ...]] = ("cpu",)
    runs_blocks: ClassVar[bool] = True
    runs_any_mask: ClassVar[bool] = True
    preference: ClassVar[int | None] = 4

    def unsupported_reason(self, work: Work) -> str:
        if work.on_cuda:
            return "runs on the CPU"
        if work.dtype != "float32":
            return "computes in float32"
        return compiler_unsupported_reason()

    def prepare(self, work: Work) -> Run:
        used = Used.of(work)
        runs: dict[str, Run] = {}
        if work.positions <= _FEW_POSITIONS:
            single = pack_single(used)
            runs["one position at a time, gathering"] = single_run(single, work.conv, gathers=True)
            runs["one position at a time, load by load"] = single_run(single, work.conv, gathers=False)
            if library().sparse_permutes() and used.kept.sum(axis=1).max(initial=0) <= _MOST_STEPS:
                runs["one position at a time, in windows"] = windows_run(pack_windows(used), work.conv)
        if work.positions > 1:
            for form in forms(work, used.columns.size):
                packed = pack(used, form)
                told = f"bundles of {form.bundle}, {form.chunk} columns at once"
                most = -(-work.positions // _positions(form))
                for tiles in sorted({min(tiles, most) for tiles in _TILES}):
                    runs[f"{told}, {tiles} tiles"] = compiled_run(packed, work.conv, tiles)
        return quickest(runs, work)


def forms(work: Work, columns: int) -> Iterator[Form]:
    """Yield the ways to pack a product with so many columns in use that are worth a trial."""
    import torch

    code, threads = library(), torch.get_num_threads()
    vectors = min(code.sparse_vectors(), -(-work.positions // code.sparse_lanes()))
    tile = vectors * code.sparse_lanes()
    parts = threads if work.positions <= (threads - 1) * tile else 1  # else every thread has positions of its own
    for chunk, bundle in dict.fromkeys((max(1, min(columns, size // tile)), bundle) for size, bundle in _CHUNKS):
        yield Form(vectors, chunk, bundle, parts)


def compiled_run(packed: PackedSparse, conv: Conv | None, tiles: int) -> Run:
    """Return the run that works on at most `tiles` tiles of positions for every chunk of columns.

    It reads whatever lies at the address of X: only for an X that was `checked`.
    """
    code, product = library(), packed.struct
    tile, rows = _positions(packed.form), max(part.rows for part in packed.parts)

    def call(x: torch.Tensor, y: torch.Tensor, padded: torch.Tensor, of: CGeometry) -> None:
        import torch

        threads, total = torch.get_num_threads(), -(-of.positions // tile)
        blocks = threads * -(-total // (threads * tiles))
        per_block = max(1, -(-total // blocks))
        # One piece of scratch a thread: sparse.c packs a tile of X in it with a line of zeros, and sums tiles of Y.
        each = (packed.widest + 1) * tile + 64 + per_block * (rows + 1) * tile
        scratch = torch.empty(threads * each, dtype=torch.float32, device="cpu")
        memory, places = (x, y, padded, scratch), _places(packed.used.size)
        addresses = [part.data_ptr() for part in memory]
        structs = ctypes.byref(of), ctypes.byref(product)
        code.sparse_run(*addresses, each, places.data_ptr(), *structs, per_block)

    return _run(packed, conv, call)


def single_run(packed: PackedSingle, conv: Conv | None, *, gathers: bool) -> Run:
    """Return the run that takes one position at a time, X gathered by the processor's instruction for it or load by load.

    It reads whatever lies at the address of X: only for an X that was `checked`.
    """
    code, product = library(), packed.struct
    column_size = packed.used.size + packed.chunk_starts.size - 1

    def call(x: torch.Tensor, y: torch.Tensor, padded: torch.Tensor, of: CGeometry) -> None:
        import torch

        column, places = torch.empty(column_size, dtype=torch.float32, device="cpu"), _places(packed.used.size)
        addresses = [part.data_ptr() for part in (x, y, padded, column, places)]
        code.sparse_run_single(*addresses, ctypes.byref(of), ctypes.byref(product), gathers)

    return _run(packed, conv, call)


def windows_run(packed: PackedWindows, conv: Conv | None) -> Run:
    """Return the run that takes one position at a time, sixteen rows each looking a number up in a window of X.

    It reads whatever lies at the address of X: only for an X that was `checked`.
    """
    code, product = library(), packed.struct

    def call(x: torch.Tensor, y: torch.Tensor, padded: torch.Tensor, of: CGeometry) -> None:
        import torch

        addresses = [x.data_ptr(), y.data_ptr(), padded.data_ptr()]
        if conv is None and packed.reads_in_place(x.shape[0]) and (of.by_position or x.shape[1] == 1):
            code.sparse_run_windows(*addresses, None, None, ctypes.byref(of), ctypes.byref(product))
            return
        column, places = torch.empty(packed.column_size, dtype=torch.float32, device="cpu"), _places(packed.used.size)
        addresses += [column.data_ptr(), places.data_ptr()]
        code.sparse_run_windows(*addresses, ctypes.byref(of), ctypes.byref(product))

    return _run(packed, conv, call)


def _run(packed: PackedSparse | PackedSingle | PackedWindows, conv: Conv | None, call: _Call) -> Run:
    """Return the run that hands C an X, and a new Y to write, which lies in memory as X does."""
    import torch

    def run(x: torch.Tensor) -> torch.Tensor:
        x, of = as_c_reads_it(x, conv)
        y = memory_for(of.output_shape(packed.rows, conv), of)
        size = of.padded_size
        padded = torch.empty(size, dtype=torch.float32, device="cpu") if size else x  # nothing is written there
        if y.numel():
            call(x, y, padded, of)
        return y

    return run


def _places(columns: int) -> torch.Tensor:
    """Return room for where columns begin."""
    import torch

    return torch.empty(columns, dtype=torch.int64, device="cpu")


def _positions(form: Form) -> int:
    """Positions of a tile."""
    return int(form.vectors * library().sparse_lanes())
