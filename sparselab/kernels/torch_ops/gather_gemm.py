"""Blocks of any layout by plain tensor operations: gather a panel's rows of X, multiply once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from sparselab.core.device import as_tensor
from sparselab.core.mask import IntVector
from sparselab.kernels.base import Conv, Kernel, Run, Work
from sparselab.kernels.steps import LayerStep
from sparselab.kernels.support.autotune import quickest
from sparselab.kernels.support.output import init_output
from sparselab.kernels.support.panels import blocks_unsupported_reason, panels
from sparselab.kernels.support.precision import tf32_allowed
from sparselab.kernels.torch_ops.gather_step import GatherStep

if TYPE_CHECKING:
    import torch

_TILES = (256, 512, 1024, 4096)
"""Positions multiplied at once that are worth a trial: a gathered panel should stay in the cache."""


@dataclass(frozen=True)
class GatherGemm(Kernel):
    """Y[rows] += W[rows, cols] X[cols] for every panel, by `index_select` and one matrix product each.

    A convolution's X is a view: row (c, kh, kw) of im2col is the padded input from some place on, lines' ends included, so
    `index_select` takes it as it takes the rows of a matrix. Outputs at lines' ends are cut away afterwards.
    `prepare` times a few numbers of positions at once on the shape it is given and keeps the quickest.
    """

    title: ClassVar[str] = "Gather + GEMM"
    source: ClassVar[str] = "ours; torch.index_select, torch.mm"
    runs_blocks: ClassVar[bool] = True
    trains: ClassVar[bool] = True
    preference: ClassVar[int | None] = 3

    def unsupported_reason(self, work: Work) -> str:
        return blocks_unsupported_reason(work.layout)

    def prepare(self, work: Work) -> Run:
        packed = _Packed(work)
        make = _matrix_run if work.conv is None else _conv_run
        tiles = [tile for tile in _TILES if tile < work.positions]
        runs = {f"{tile} positions at once": make(work, packed, tile) for tile in (*tiles, work.positions)}
        return quickest({description: tf32_allowed(run, work) for description, run in runs.items()}, work)

    def step(self, work: Work) -> LayerStep:
        return GatherStep(work)


class _Packed:
    """Weights and columns of all panels, and the rows of Y they add to, one panel after the other."""

    def __init__(self, work: Work) -> None:
        parts = panels(work.layout)
        self.weights = [work.tensor(work.weight[np.ix_(part.rows, part.cols)]) for part in parts]
        self.columns = [part.cols for part in parts]
        rows = np.concatenate([np.zeros(0, np.int64), *(part.rows for part in parts)])
        self.rows = as_tensor(rows, work.device)
        self.ends = np.cumsum([0, *(part.rows.size for part in parts)]).tolist()

    def add_to(self, y: torch.Tensor, x: torch.Tensor, gathered_rows: list[torch.Tensor], tile: int) -> None:
        """Add every panel's product to y, `tile` positions at a time; `gathered_rows` are the rows of x for its columns."""
        import torch

        positions, height = x.shape[1], self.ends[-1]
        tile = max(1, min(tile, positions))
        gathered = x.new_empty(max((rows.numel() for rows in gathered_rows), default=0) * tile)
        sums = x.new_empty(height * tile)
        for start in range(0, positions, tile):
            size = min(tile, positions - start)
            total = sums[: height * size].view(height, size)
            for weight, rows, first, end in zip(self.weights, gathered_rows, self.ends, self.ends[1:], strict=False):
                columns = gathered[: rows.numel() * size].view(-1, size)
                torch.index_select(x[:, start : start + size], 0, rows, out=columns)
                torch.mm(weight, columns, out=total[first:end])
            y[:, start : start + size].index_add_(0, self.rows, total)


def _matrix_run(work: Work, packed: _Packed, tile: int) -> Run:
    bias, gathered_rows = work.bias_tensor, [as_tensor(columns, work.device) for columns in packed.columns]
    rows = work.layout.after.rows

    def run(x: torch.Tensor) -> torch.Tensor:
        y = init_output(bias, (rows, x.shape[1]), 0, x)
        packed.add_to(y, x, gathered_rows, tile)
        return y

    return run


def _conv_run(work: Work, packed: _Packed, tile: int) -> Run:
    conv, bias, rows = work.conv, work.bias_tensor, work.layout.after.rows
    assert conv is not None

    def run(x: torch.Tensor) -> torch.Tensor:
        height, width = conv.output_size(*x.shape[2:])
        view, lines, line = _as_matrix(x, conv)
        gathered_rows = [
            as_tensor(_first_rows(columns, conv, len(x), lines, line), work.device) for columns in packed.columns
        ]
        y = init_output(bias, (rows, view.shape[1]), 0, view)
        packed.add_to(y, view, gathered_rows, tile)
        maps = y.view(rows, len(x), lines, line)[:, :, :height, :width]
        return maps.transpose(0, 1).contiguous()

    return run


def _as_matrix(x: torch.Tensor, conv: Conv) -> tuple[torch.Tensor, int, int]:
    """Return a view whose row i is the padded input from its i-th number on, and the lines and numbers a line it counts.

    The input is laid out channel, phase (a, b), image, line, column: with a stride s, phase (a, b) holds the lines a, a + s,
    ... and columns b, b + s, ..., so that steps of s become steps of 1.
    """
    from torch.nn import functional

    images, channels, height, width = x.shape
    s = conv.stride
    lines, line = (-(-(side + 2 * conv.padding) // s) for side in (height, width))
    after = (line * s - width - conv.padding, lines * s - height - conv.padding)
    padded = functional.pad(x, (conv.padding, after[0], conv.padding, after[1]))
    phases = padded.view(images, channels, lines, s, line, s).permute(1, 3, 5, 0, 2, 4)
    (kernel_height, kernel_width), size = conv.kernel_shape, images * lines * line
    slack = (kernel_height - 1) // s * line + (kernel_width - 1) // s  # the last rows of the view begin this far in
    flat = functional.pad(phases.reshape(-1), (0, slack))
    return flat.as_strided((flat.numel() - size + 1, size), (1, 1)), lines, line


def _first_rows(columns: IntVector, conv: Conv, images: int, lines: int, line: int) -> IntVector:
    """Return where each column (channel, kh, kw) begins in the padded input."""
    (height, width), s = conv.kernel_shape, conv.stride
    channel, kernel = np.divmod(columns, height * width)
    kh, kw = np.divmod(kernel, width)
    phase = (channel * s + kh % s) * s + kw % s
    return np.asarray(phase * images * lines * line + kh // s * line + kw // s)
