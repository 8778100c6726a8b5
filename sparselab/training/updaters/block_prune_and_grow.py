"""DSB while a network trains: drop, grow, and block again, always the same number of blocks; SSB never moves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from sparselab.core.device import as_tensor
from sparselab.core.layer import Layer
from sparselab.core.layout import Block, paint
from sparselab.core.mask import Mask
from sparselab.grouping import GROUPERS, Goal
from sparselab.pruning.block_updates import blocking_magnitude, drop_in_blocks, grow_by_norms, released_candidates
from sparselab.pruning.updates import grow_largest
from sparselab.training.network import Masks, Network, tensor_of
from sparselab.training.updaters.base import Step
from sparselab.training.updaters.norms import Norms
from sparselab.training.updaters.prune_and_grow import PruneAndGrow, UpdateSchedule
from sparselab.transforms.shuffled_blocks.block_runs import blocks_of_runs, column_scores, select_runs

Blocks = tuple[Block, ...]


class BlockPruneAndGrow(PruneAndGrow):
    """DSB: weights are dropped where blocking would not bring them back, as many grown, and the layer is blocked again.

    `blocks` of every layer number the same after each update. Weights that only blocking fills in start at 0 too.

    Source: DSB (NeurIPS 2022), reconstructed from its released code; docs/training.md says what differs.
    """

    def __init__(
        self,
        network: Network,
        blocks: Sequence[Blocks],
        *,
        update_schedule: UpdateSchedule,
        block_size: int,
        grow: str,
        seed: int,
        densities: Sequence[float] | None = None,
    ) -> None:
        """`densities`: asked for of every layer, by which DSB's released code counts candidates; None: round(f * kept) of them."""
        super().__init__(network, paint_all(network, blocks)[0], how="dsb", update_schedule=update_schedule, seed=seed)
        self.blocks, self.block_size, self.grow, self.densities = list(blocks), block_size, grow, densities
        self._norms = Norms([network.model.get_submodule(name) for name in self.names]) if grow == "norms" else None

    def before(self, step: int) -> None:
        if self._norms is not None and self.update_schedule.fraction(step) > 0:
            self._norms.listen()

    def update(self, step: Step) -> bool:
        moves = super().update(step)
        if self._norms is not None:
            self._norms.hush()
        return moves

    def moved(self, place: int, step: Step, fraction: float) -> torch.Tensor:
        weight = self.weights[place].detach()
        kept = _matrix(self.masks[place])
        left = drop_in_blocks(_matrix(weight), kept, self.blocks[place], self._candidates(place, kept, fraction))
        count = int(kept.sum()) - int(left.sum())
        if self._norms is None:
            grown = grow_largest(_matrix(step.gradients[place]).abs(), left, count)
        else:
            grown = grow_by_norms(*self._norms.of(place), left, count, self.block_size)
        # Dropped and grown again is not new: it keeps its value, so it counts with its value.
        magnitude = blocking_magnitude(_matrix(weight), grown, grown & ~kept)
        self.blocks[place] = block(grown, magnitude, self.block_size, len(self.blocks[place]))
        return tensor_of(paint(self.blocks[place], tuple(kept.shape)), weight).to(weight.device)  # type: ignore[arg-type]

    def _candidates(self, place: int, kept: torch.Tensor, fraction: float) -> int:
        count = int(kept.sum())
        if self.densities is None:
            return round(fraction * count)
        return released_candidates(count, kept.numel(), self.densities[place], fraction)

    def more_news(self) -> dict[str, Any]:
        """Return the number of blocks."""
        return {"blocks": sum(map(len, self.blocks))}

    def row_groups(self) -> list[NDArray[np.int32]]:
        return [_groups_of(blocks, len(mask)) for blocks, mask in zip(self.blocks, self.masks, strict=True)]

    def tensors(self) -> dict[str, torch.Tensor]:
        return pack_all(self.blocks)

    def load(self, masks: Masks, tensors: Mapping[str, torch.Tensor], velocities: Sequence[torch.Tensor]) -> None:
        super().load(masks, tensors, velocities)
        self.blocks = unpack_all(tensors, len(self.masks))


def first_blocks(weight: torch.Tensor, density: float, block_size: int, seed: int) -> Blocks:
    """Return the blocks a layer starts with: a random mask of that density, blocked by the fresh weights it keeps.

    ceil(density * size / block_size^2) blocks, as many as fit where the shape does not divide.
    """
    size = weight.numel()
    generator = torch.Generator().manual_seed(seed)
    kept = grow_largest(
        torch.rand(size, generator=generator, dtype=torch.float64),
        torch.zeros(size, dtype=torch.bool),
        round(density * size),
    ).reshape(weight.shape)
    rows, cols = matrix_shape(weight)
    room = -(-rows // block_size) * -(-cols // block_size)
    count = min(room, -(-round(density * size) // block_size**2))
    return block(_matrix(kept), _matrix(weight.detach().cpu()).abs() * _matrix(kept), block_size, count)


def block(kept: torch.Tensor, magnitude: torch.Tensor, block_size: int, count: int) -> Blocks:
    """Return the best `count` blocks of a layer: like rows together, each group's columns sorted by l2 norm and cut.

    Args: kept: bool, rows x cols. magnitude: by which columns are sorted and blocks chosen.
    Source: DSB, released code; complete linkage of cosine similarity.
    """
    mask = Mask(kept.cpu().numpy())
    values = magnitude.cpu().numpy()
    goal = Goal(height=block_size, similarity="cosine")
    groups = GROUPERS["agglomerative"](mask, goal, rng=np.random.default_rng(0), device="cpu")
    worth = column_scores(Layer("", mask, values), groups, "magnitude", torch.device("cpu"))
    # A run worth nothing is never taken. One more for every column, a 2^-30th of the largest, and there is none.
    return tuple(blocks_of_runs(select_runs(worth + 1, block_size, count), groups))


def paint_all(network: Network, blocks: Sequence[Blocks]) -> tuple[Masks, dict[str, torch.Tensor]]:
    """Return the masks that the blocks of every layer cover, and the blocks as tensors."""
    masks = {
        name: tensor_of(paint(parts, matrix_shape(weight)), weight)
        for (name, weight), parts in zip(network.weights.items(), blocks, strict=True)
    }
    return masks, pack_all(blocks)


def _groups_of(blocks: Blocks, rows: int) -> NDArray[np.int32]:
    """Return the group of every row: rows of one block are in one, groups are numbered by their first rows, 0 is a row of no block."""
    found = np.zeros(rows, np.int32)
    members = {int(part.rows.min()): part.rows for part in blocks}
    for number, first in enumerate(sorted(members), start=1):
        found[members[first]] = number
    return found


def pack_all(blocks: Sequence[Blocks]) -> dict[str, torch.Tensor]:
    """Return the blocks of every layer as tensors that a checkpoint can hold."""
    return {key: value for place, parts in enumerate(blocks) for key, value in _pack(place, parts).items()}


def unpack_all(tensors: Mapping[str, torch.Tensor], layers: int) -> list[Blocks]:
    """Return the blocks of every layer that `pack_all` turned into tensors."""
    return [_unpack(place, tensors) for place in range(layers)]


def matrix_shape(weight: torch.Tensor) -> tuple[int, int]:
    """Return out x (in * kh * kw)."""
    return weight.shape[0], weight.numel() // weight.shape[0]


def _matrix(values: torch.Tensor) -> torch.Tensor:
    return values.reshape(values.shape[0], -1)


def _pack(place: int, blocks: Blocks) -> dict[str, torch.Tensor]:
    shapes = torch.tensor([(part.rows.size, part.cols.size) for part in blocks], dtype=torch.int64).reshape(-1, 2)
    nothing = np.zeros(0, dtype=np.int64)
    rows = np.concatenate([nothing, *(part.rows for part in blocks)])
    cols = np.concatenate([nothing, *(part.cols for part in blocks)])
    return {
        f"{place}.shapes": shapes,
        f"{place}.rows": as_tensor(rows, "cpu"),
        f"{place}.cols": as_tensor(cols, "cpu"),
    }


def _unpack(place: int, tensors: Mapping[str, torch.Tensor]) -> Blocks:
    shapes, rows, cols = (tensors[f"{place}.{part}"] for part in ("shapes", "rows", "cols"))
    if not len(shapes):
        return ()
    heights, widths = shapes[:, 0].tolist(), shapes[:, 1].tolist()
    parts = zip(torch.split(rows, heights), torch.split(cols, widths), strict=True)
    return tuple(Block(high.numpy(), wide.numpy()) for high, wide in parts)
