"""DSB's update between two blockings: drop what blocking would not bring back, grow as many elsewhere.

Growth by a dense gradient is `dynamic.grow_largest`, as in RigL. All on torch tensors of one layer, a matrix rows x cols, on
the tensors' own device: `kept` bool, the others floating.
Source: DSB (NeurIPS 2022), reconstructed from its released code.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import TYPE_CHECKING

from sparselab.core.device import as_tensor
from sparselab.core.layout import Block
from sparselab.pruning.updates import check_room, drop_smallest

if TYPE_CHECKING:
    import torch


def released_candidates(kept: int, size: int, density: float, fraction: float) -> int:
    """Return kept - (int(density * size) - int(fraction * kept)), from 0 to kept: the candidates of DSB's released code.

    Blocks keep up to a block's area less one more than density * size asks for; so many more than int(fraction * kept) are
    candidates: 255 at most with blocks of 16 x 16.

    Example: >>> released_candidates(512, 5000, 0.1, 0.3), round(0.3 * 512)
             (165, 154)
    """
    return min(kept, max(0, kept - (int(density * size) - int(fraction * kept))))


def drop_in_blocks(weight: torch.Tensor, kept: torch.Tensor, blocks: Sequence[Block], count: int) -> torch.Tensor:
    """Return `kept` without those of the `count` smallest |w| whose row or column goes with them.

    A candidate goes only if its row or its column in its block holds at least half a block side of candidates: a lone hole
    would be filled again by the next blocking. Half of the block's own side, so that smaller blocks at the edge of a shape
    that does not divide follow the same rule. Candidates outside all blocks stay.
    """
    import torch

    candidates = kept & ~drop_smallest(weight, kept, count)
    dropped = torch.zeros_like(kept)
    for block in blocks:
        where = as_tensor(block.rows, kept.device)[:, None], as_tensor(block.cols, kept.device)
        inside = candidates[where]
        in_row, in_col = inside.sum(dim=1, keepdim=True), inside.sum(dim=0, keepdim=True)
        dropped[where] = inside & ((2 * in_row >= block.cols.size) | (2 * in_col >= block.rows.size))
    return kept & ~dropped


def grow_by_norms(
    row_norms: torch.Tensor, col_norms: torch.Tensor, kept: torch.Tensor, count: int, block_size: int
) -> torch.Tensor:
    """Return `kept` with `count` more weights where top rows cross top columns, without a dense gradient.

    |g_ij| <= s_i * s_j, with s_i (`row_norms`) the norm of the output gradient of row i and s_j (`col_norms`) that of input
    column j. First the rectangle of the top bs * round(sqrt(rows * D / cols)) rows by the top bs * round(sqrt(cols * D / rows))
    columns, D = count / bs^2; while it holds too few weights that are not kept, the next row or column, whichever has the
    larger norm (ties: rows), is added. Of what came last only the largest s_i * s_j are taken, ties by index.

    Raises: SparselabError when fewer than `count` weights are not kept.
    """
    import torch

    check_room(kept, count)
    rows, cols = kept.shape
    high = min(rows, block_size * round(sqrt(rows * count / cols) / block_size))
    wide = min(cols, block_size * round(sqrt(cols * count / rows) / block_size))
    row_turn, col_turn = _turns(row_norms, col_norms, high, wide)
    turn = torch.maximum(row_turn[:, None], col_turn).reshape(-1)
    bound = torch.outer(row_norms, col_norms).reshape(-1)
    free = torch.nonzero(~kept.reshape(-1)).squeeze(1)
    free = free[torch.sort(bound[free], descending=True, stable=True).indices]
    free = free[torch.sort(turn[free], stable=True).indices]
    return kept.reshape(-1).index_fill(0, free[:count], True).reshape(kept.shape)


def blocking_magnitude(weight: torch.Tensor, kept: torch.Tensor, grown: torch.Tensor) -> torch.Tensor:
    """Return the |w| by which the next blocking chooses: grown weights, which start at 0, count as the mean kept |w|."""
    old = kept & ~grown
    magnitude = weight.abs() * old
    mean = magnitude.sum() / old.sum().clamp(min=1)
    return magnitude.masked_fill(grown, float(mean))


def _turns(row_norms: torch.Tensor, col_norms: torch.Tensor, high: int, wide: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return when each row and each column is added: 0 for the top `high` rows and `wide` columns, the others by norm."""
    import torch

    late_rows = torch.sort(row_norms, descending=True, stable=True).indices[high:]
    late_cols = torch.sort(col_norms, descending=True, stable=True).indices[wide:]
    order = torch.sort(torch.cat([row_norms[late_rows], col_norms[late_cols]]), descending=True, stable=True).indices
    turn = torch.argsort(order) + 1
    row_turn = torch.zeros(len(row_norms), dtype=torch.int64, device=row_norms.device)
    col_turn = torch.zeros(len(col_norms), dtype=torch.int64, device=row_norms.device)
    row_turn[late_rows], col_turn[late_cols] = turn[: len(late_rows)], turn[len(late_rows) :]
    return row_turn, col_turn
