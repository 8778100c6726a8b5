"""Blocks of any layout in C: nothing is gathered per group, and every sum stays in registers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product as pairs
from typing import ClassVar

from sparselab.kernels.base import Conv, Kernel, Run, Work
from sparselab.kernels.native.amx.product import amx_runs, amx_unsupported_reason
from sparselab.kernels.native.block_product import block_product
from sparselab.kernels.native.block_step import BlockStep
from sparselab.kernels.native.compiler import compiler_unsupported_reason, library
from sparselab.kernels.native.few_positions import few_positions_run
from sparselab.kernels.native.packing import Packed, pack
from sparselab.kernels.steps import LayerStep
from sparselab.kernels.support.autotune import Chosen, quickest
from sparselab.kernels.support.input_checks import checked
from sparselab.kernels.support.panels import blocks_unsupported_reason


@dataclass(frozen=True)
class NativeBlocks(Kernel):
    """Y[rows] += W[rows, cols] X[cols] for every panel, by a C kernel compiled for this processor.

    Positions are cut into tiles that fit the cache; the rows of X in use are packed once a tile for all panels, so that
    narrow groups cost no gather of their own. A convolution is packed straight from its input, without im2col in memory.
    At few positions the rows of a panel lie side by side in a vector instead. In bfloat16 the processor's matrix unit (AMX)
    multiplies, with sums in float32; without one, numbers are widened to float32 and the answer is narrowed.
    `prepare` times a few sizes of tiles on the shape it is given and keeps the quickest.

    Source: the loops of Goto and van de Geijn (ACM TOMS 2008), with a list of columns in place of a range.
    """

    title: ClassVar[str] = "Blocks in C"
    source: ClassVar[str] = "ours; Goto & van de Geijn (TOMS 2008) with column lists"
    devices: ClassVar[tuple[str, ...]] = ("cpu",)
    runs_blocks: ClassVar[bool] = True
    trains: ClassVar[bool] = True
    preference: ClassVar[int | None] = 2

    def unsupported_reason(self, work: Work) -> str:
        if work.on_cuda:
            return "runs on the CPU"
        if work.dtype not in ("float32", "bfloat16"):
            return "computes in float32 and bfloat16"
        return blocks_unsupported_reason(work.layout) or compiler_unsupported_reason()

    def step_unsupported_reason(self, work: Work) -> str:
        return self.unsupported_reason(work) if work.dtype == "float32" else "trains in float32"

    def prepare(self, work: Work) -> Run:
        if work.dtype != "bfloat16":
            return _in_float32(work)
        reason = amx_unsupported_reason()
        return _widened(work, reason) if reason else quickest(amx_runs(work), work)

    def step(self, work: Work) -> LayerStep:
        return BlockStep(work.layout, work.conv)


def _in_float32(work: Work) -> Chosen:
    packed = pack(work)
    plans = _plans(packed.lists.used.size, work.positions)
    runs = {
        f"{tiles} tiles, {chunk} columns at once": compiled_run(packed, work.conv, tiles, chunk)
        for tiles, chunk in plans
    }
    if work.positions <= library().blocks_few():
        runs["a few positions at once, rows side by side"] = few_positions_run(packed, work.conv)
    return quickest(runs, work)


def _widened(work: Work, reason: str) -> Chosen:
    """Return the run in float32 of what bfloat16 holds of a product's numbers, its answer narrowed."""
    weight, bias = work.tensor(work.weight).float().numpy(), work.bias_tensor
    wide = replace(work, weight=weight, bias=None if bias is None else bias.float().numpy(), dtype="float32")
    prepared = _in_float32(wide)
    run = checked(lambda x: prepared(x.float()).bfloat16(), work)
    return Chosen(run, f"widened to float32 ({reason}); {prepared.told}")


def _plans(columns: int, positions: int) -> list[tuple[int, int]]:
    """Sizes worth a trial: tiles in a block of positions, and columns packed at once."""
    code = library()
    tiles = min(-(-positions // code.blocks_tile()), code.blocks_most_tiles())
    chunks = {max(1, min(columns, chunk)) for chunk in (512, 1024, 2048, 8192)}
    return list(pairs(sorted({min(tiles, size) for size in (1, 2, 4, 8)}), sorted(chunks)))


def compiled_run(packed: Packed, conv: Conv | None, tiles: int, chunk: int) -> Run:
    """Return the run that packs `chunk` columns of at most `tiles` tiles of positions at once.

    It reads whatever lies at the address of X: only for an X that was `checked`.
    """
    multiply = block_product(packed.lists, conv, tiles, chunk)
    return lambda x: multiply(x, packed.struct)
