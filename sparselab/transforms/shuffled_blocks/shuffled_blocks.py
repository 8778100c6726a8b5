"""Shuffled blocks: rows and columns reordered so that square dense blocks keep most."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, Self

import numpy as np
from annotated_types import Interval
from numpy.typing import NDArray
from typing_extensions import Doc

from sparselab.analysis.similarity import SIMILARITIES, SimilarityRows, similarity_rows
from sparselab.core.device import resolve_device
from sparselab.core.inputs.layers import LayerLike, as_layer
from sparselab.core.layer import Layer
from sparselab.core.layout import Block, Layout, order_rows
from sparselab.core.mask import BoolMatrix, Mask
from sparselab.core.settings import InFront, Ladder, OneOf, ShownAs, Unset, When
from sparselab.core.strips import row_strips
from sparselab.grouping import BY_CHANCE, GROUPERS, Goal, Groups
from sparselab.grouping.base import cut
from sparselab.grouping.refine import Budget
from sparselab.runtime.progress import Monitor, Stages
from sparselab.transforms.base import Transform
from sparselab.transforms.cells import AUTOMATIC, WEIGHS, Cells, cell_needs, group_sums, scores
from sparselab.transforms.contender import Contender
from sparselab.transforms.refining import Refine, Seconds, Steps, refined
from sparselab.transforms.shuffled_blocks.block_runs import (
    blocks_of_runs,
    cells_of_runs,
    column_scores,
    scores_of_columns,
    select_runs,
)

_CLUSTERS = "agglomerative"


@dataclass(frozen=True)
class ShuffledBlocks(Transform):
    """Put like rows into groups of `block_size`, sort each group's columns, and keep the best square blocks of the layer.

    The budget counts blocks: ceil(weights to keep / block_size^2). A shape that does not divide is thought of as padded with
    rows and columns that keep nothing: blocks at the edge are smaller, count as whole ones, and hold real weights only.

    Source: DSB (NeurIPS 2022), the static blocking of its released code; `q` from an article about the paper.
    """

    title: ClassVar[str] = "Shuffled blocks"
    source: ClassVar[str] = "DSB (NeurIPS 2022), released code (blocking)"

    block_size: Annotated[
        int,
        Interval(ge=2, le=64),
        InFront(),
        Ladder((4, 8, 16, 32, 64)),
        ShownAs("Side of a block"),
        Doc("side of a square block"),
    ] = 16
    similarity: Annotated[
        str,
        OneOf.of(SIMILARITIES),
        When("grouper", (_CLUSTERS,)),
        ShownAs("Similarity of rows"),
        Doc("how the similarity of two rows is measured; the released code takes cosine"),
    ] = "cosine"
    grouper: Annotated[
        str,
        OneOf.of(GROUPERS),
        ShownAs("How rows are grouped"),
        Doc("how rows are put into groups"),
    ] = _CLUSTERS
    q: Annotated[
        float,
        Interval(ge=0.0, le=1.0),
        When("grouper", (_CLUSTERS,)),
        ShownAs("Least similarity (q)"),
        Doc(
            "only rows more similar than this to some other row are clustered, the rest follow in file order; 0: all are"
        ),
    ] = 0.0
    density: Annotated[
        float | None,
        Interval(ge=0.0, le=1.0),
        ShownAs("Budget, share of all weights"),
        Unset("as many as before"),
        Doc("weights that blocks may hold / all weights"),
    ] = None
    weigh: Annotated[
        str | None,
        OneOf(WEIGHS),
        ShownAs("What a kept weight counts"),
        Unset(AUTOMATIC),
        Doc(
            "how a column of a group is scored: by the norm of what its rows keep there, for energy by that norm squared"
        ),
    ] = None
    refine: Refine = False
    refine_steps: Steps = 1000
    refine_seconds: Seconds = 10.0

    @property
    def needs(self) -> frozenset[str]:
        return cell_needs(self.weigh)

    @classmethod
    def contenders(cls, name: str, density: float | None) -> tuple[Contender, ...]:
        """Return the released code's blocks, and those of refined groups."""
        budget = cls.spending(density)
        return (
            Contender(name, "shuffled blocks (DSB)", name, budget, on_curve=True, per_layer=True),
            Contender(f"{name}-refined", "shuffled blocks, refined", name, {"refine": True, **budget}, per_layer=True),
        )

    def at_random(self, density: float) -> ShuffledBlocks:
        return replace(self, grouper=BY_CHANCE, refine=False)

    def within_budget(self, layer: LayerLike) -> Self:
        """Return it with a density of whole blocks: the released code rounds their number up."""
        if self.density is None:
            return self
        given, area = as_layer(layer), self.block_size**2
        size = given.mask.kept.size // given.groups  # what is rounded up, each group by itself
        return replace(self, density=int(round(self.density * size) // area) * area / size)

    def _run(self, layer: Layer, rng: np.random.Generator, device: str, monitor: Monitor) -> Layout:
        torch_device = resolve_device(device)  # loads torch, which is not a stage of ours
        stages = Stages(monitor)
        before, goal = layer.mask, Goal(height=self.block_size, similarity=self.similarity)
        clusters = self.grouper == _CLUSTERS
        grouper = GROUPERS[self.grouper]

        def group(mask: Mask) -> Groups:
            return grouper(mask, goal, rng=rng, device=device, monitor=monitor)

        alike = np.ones(before.rows, dtype=bool)
        if grouper.compares_rows:
            with stages("similarity"):
                similar = similarity_rows(before, self.similarity if clusters else "jaccard", device)
                if clusters and self.q > 0:
                    alike = _most_alike(similar, monitor) > np.float32(self.q)
        with stages("grouping"):
            groups = group_alike(before, alike, group, goal)
        weights, count = self._budget(before)
        notes: dict[str, str] = {}
        if self.refine:
            budget = Budget(np.ones(len(groups), dtype=np.int64), count, self.block_size)
            groups, notes, stages = refined(
                scores(layer, self.weigh, torch_device),
                groups,
                budget,
                steps=self.refine_steps,
                seconds=self.refine_seconds,
                rng=rng,
                monitor=monitor,
                stages=stages,
            )
        with stages("selection"):
            # What was refined is what is chosen: the plain sums that the search raised, not the norms of the released code.
            if self.refine:
                worth = group_sums(scores(layer, self.weigh, torch_device), groups)
            else:
                worth = column_scores(layer, groups, self.weigh, torch_device)
            blocks = blocks_of_runs(select_runs(worth, self.block_size, count), groups)
        in_groups = [Block(rows, np.zeros(1, dtype=np.int64)) for rows in groups]
        row_order = order_rows(in_groups, before.rows)
        reason = _why_none(layer, weights)
        return Layout.from_blocks(
            before, blocks, reason=reason, row_order=row_order, seconds=stages.seconds, notes=notes
        )

    def _budget(self, mask: Mask) -> tuple[int, int]:
        """Return the weights that may be spent, and how many blocks they pay for."""
        weights = mask.count if self.density is None else round(self.density * mask.kept.size)
        return weights, -(-weights // self.block_size**2)

    def _drawing(self, layer: Layer, device: str, monitor: Monitor) -> Callable[[np.random.Generator], Cells]:
        grouper, goal = GROUPERS[self.grouper], Goal(height=self.block_size, similarity=self.similarity)
        if self.refine or grouper.compares_rows:
            return super()._drawing(layer, device, monitor)
        worth, (_, count) = scores_of_columns(layer, self.weigh, resolve_device(device)), self._budget(layer.mask)

        def cells(rng: np.random.Generator) -> Cells:
            groups = grouper(layer.mask, goal, rng=rng, device=device, monitor=monitor)
            return cells_of_runs(select_runs(worth(groups), self.block_size, count), groups, layer.mask.cols)

        return cells


def group_alike(mask: Mask, alike: BoolMatrix, group: Callable[[Mask], Groups], goal: Goal) -> Groups:
    """Group the rows where `alike` (bool, one a row), let the others follow in natural order, and cut anew.

    Returns: groups of the goal's height; the last one takes what remains.
    """
    if alike.all():
        return group(mask)
    chosen, rest = np.flatnonzero(alike), np.flatnonzero(~alike)
    if chosen.size:
        chosen = chosen[np.concatenate(group(mask.permuted(chosen)))]
    return cut(np.concatenate([chosen, rest]), goal.sizes(mask.rows))


def _most_alike(similarity: SimilarityRows, monitor: Monitor) -> NDArray[np.float32]:
    """Return the similarity of every row to the row most like it, -1 where there is no other."""
    rows = len(similarity)
    most = np.empty(rows, dtype=np.float32)
    for strip in row_strips(rows, rows):
        monitor.progress("similarity", strip.start, rows)
        others = np.array(similarity[strip])
        others[np.arange(len(others)), np.arange(strip.start, strip.stop)] = -1.0
        most[strip] = others.max(axis=1)
    return most


def _why_none(layer: Layer, weights: int) -> str:
    if not layer.mask.count:
        return "the mask keeps no weight"
    return "every kept weight is zero: weigh by count" if weights else "the density is too low for one block"
