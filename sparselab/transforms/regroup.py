"""Regroup: rows of like columns together, dense blocks where a group keeps most."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Any, ClassVar

import numpy as np
from annotated_types import Interval
from typing_extensions import Doc

from sparselab.contender import Contender
from sparselab.device import as_tensor, resolve_device
from sparselab.errors import SettingError
from sparselab.grouping import GROUPERS, Goal, Groups
from sparselab.layout import Block, Layout, order_rows, paint
from sparselab.mask import BoolMatrix, Mask
from sparselab.monitor import SILENT, Monitor, Stages
from sparselab.permutation import Permutation
from sparselab.refine import Purse
from sparselab.settings import OneOf, When
from sparselab.similarity import similarity_tensor
from sparselab.transform import Layer, Transform
from sparselab.transforms.budget import select_budget
from sparselab.transforms.cells import WEIGHS, cell_needs, group_sums, scores
from sparselab.transforms.ratio import legacy_width, mended_width, select_by_width
from sparselab.transforms.refining import REFINE, Seconds, Steps, refined
from sparselab.transforms.threshold import select_threshold

Widths: Mapping[str, Callable[..., int | None]] = MappingProxyType({"ratio": mended_width, "legacy": legacy_width})
RULES = ("budget", "threshold", *Widths)


@dataclass(frozen=True)
class Regroup(Transform):
    """Group the rows by the columns they keep, then lay dense blocks of group rows x chosen columns.

    Rules: `budget` spends a given number of weights where groups keep most; `threshold` is the paper's (columns that several
    rows keep, pass after pass); `ratio` is the released code mended; `legacy` is the released code bug for bug.

    Source: Structure-LTH (ICML 2022), Sec. 3.3 and Alg. 3; `budget` is ours.
    """

    title: ClassVar[str] = "Regroup"
    source: ClassVar[str] = "Structure-LTH (ICML 2022), Alg. 3"

    rule: Annotated[str, OneOf(RULES), Doc("how a group chooses its columns")] = "budget"
    grouper: Annotated[str, OneOf(tuple(GROUPERS)), Doc("how rows are put into groups")] = "jaccard-metis"
    rows_per_group: Annotated[
        int,
        Interval(ge=1, le=256),
        When("groups", (None,)),
        Doc("rows in every group, exactly; the last takes what remains"),
    ] = 32
    groups: Annotated[
        int | None,
        Interval(ge=1, le=1024),
        Doc("number of groups, sizes as the grouper finds them; excludes rows per group"),
    ] = None
    knn: Annotated[
        int,
        Interval(ge=1, le=256),
        When("grouper", ("jaccard-metis",)),
        Doc("neighbours of each row in the similarity graph"),
    ] = 32
    density: Annotated[
        float | None,
        Interval(ge=0.0, le=1.0),
        When("rule", ("budget",)),
        Doc("weights to spend / all weights; none: as many as before"),
    ] = None
    weigh: Annotated[
        str, OneOf(WEIGHS), When("rule", ("budget",)), Doc("what a kept weight is worth: 1, |w| or w squared")
    ] = "count"
    min_rows: Annotated[
        int,
        Interval(ge=1, le=256),
        When("rule", ("threshold", "ratio", "legacy")),
        Doc("b1: smallest group that may form a block (ratio, legacy: more than this)"),
    ] = 16
    min_kept: Annotated[
        int, Interval(ge=1, le=256), When("rule", ("threshold",)), Doc("t2: rows of a group that must keep a column")
    ] = 2
    min_cols: Annotated[
        int, Interval(ge=1, le=4096), When("rule", ("threshold",)), Doc("b2: fewest columns of a block")
    ] = 16
    ratio: Annotated[
        float,
        Interval(ge=0.1, le=10.0),
        When("rule", ("ratio", "legacy")),
        Doc("t1: a block is this many times wider than what any row leaves outside"),
    ] = 1.5
    row_multiple: Annotated[
        int,
        Interval(ge=1, le=256),
        When("rule", ("ratio", "legacy")),
        Doc("block heights are cut to a multiple of this, the rest forms a block of its own"),
    ] = 32
    second_share: Annotated[
        float,
        Interval(ge=0.0, le=0.5),
        When("rule", ("budget",)),
        Doc(
            "share of the budget for a second grouping of what the first leaves: rows then lie in blocks of two groups, and a kernel adds up two products"
        ),
    ] = 0.0
    refine: Annotated[bool, When("rule", ("budget",)), REFINE] = False
    refine_steps: Steps = 1000
    refine_seconds: Seconds = 10.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.groups is not None and self.rows_per_group != type(self).rows_per_group:
            raise SettingError(f"expected rows_per_group or groups; got both ({self.rows_per_group} and {self.groups})")

    @classmethod
    def contenders(cls, name: str, density: float | None) -> tuple[Contender, ...]:
        """Return every grouper at the budget, narrow and refined groups, and the rules that choose a density of their own."""
        return (*_at_budget(name, cls.spending(density)), *_at_own_density(name))

    @property
    def needs(self) -> frozenset[str]:
        return cell_needs(self.weigh) if self.rule == "budget" else frozenset()

    @property
    def goal(self) -> Goal:
        height = self.rows_per_group if self.groups is None else None
        return Goal(height=height, count=self.groups, knn=self.knn)

    def __call__(
        self, layer: Layer, *, rng: np.random.Generator, device: str = "auto", monitor: Monitor = SILENT
    ) -> Layout:
        resolve_device(device)  # loads torch, which is not a stage of ours
        stages = Stages(monitor)
        grouper = GROUPERS[self.grouper]

        def group(mask: Mask) -> Groups:
            if grouper.compares_rows:
                with stages("similarity"):
                    similarity_tensor(mask, self.goal.similarity, device)
            with stages("grouping"):
                return grouper(mask, self.goal, rng=rng, device=device, monitor=monitor)

        if self.rule == "threshold":
            limits = {"min_rows": self.min_rows, "min_kept": self.min_kept, "min_cols": self.min_cols}
            blocks, passes = select_threshold(layer.mask, group, monitor=monitor, **limits)
            notes = {"passes": str(passes), **self._unrefined}
            reason = (
                f"no group of at least {self.min_rows} rows has {self.min_cols} columns that {self.min_kept} of its rows "
                "keep: lower one of these, or make the groups larger"
            )
            return Layout.from_blocks(layer.mask, blocks, reason=reason, seconds=stages.seconds, notes=notes)

        def lay(left: Layer, budget: int, taken: BoolMatrix | None) -> tuple[Groups, list[Block], str]:
            nonlocal stages
            groups = group(left.mask)
            if self.refine and self.rule == "budget":
                groups, told, stages = refined(
                    scores(left, self.weigh, resolve_device(device)),
                    groups,
                    Purse(np.array([rows.size for rows in groups]), budget),
                    steps=self.refine_steps,
                    seconds=self.refine_seconds,
                    rng=rng,
                    monitor=monitor,
                    stages=stages,
                )
                notes.update(told)
            with stages("selection"):
                return groups, *self.select(left, groups, device=device, budget=budget, taken=taken)

        notes = self._unrefined
        budget = self._budget(layer.mask)
        groups, blocks, reason = lay(layer, budget - int(self.second_share * budget), None)
        if self.rule == "budget" and self.second_share > 0 and blocks and notes.get("refine") != "cancel":
            first = paint(blocks, layer.mask.shape)
            rest = Layer(layer.name, layer.mask - first, weight=layer.weight)
            more = lay(rest, budget - first.count, first.kept)[1]
            notes["second grouping"] = f"{sum(block.area for block in more)} of {budget} weights"
            blocks += more
        in_groups = [Block(rows, np.zeros(1, dtype=np.int64)) for rows in groups]
        row_order: Permutation = order_rows(in_groups, layer.mask.rows)
        return Layout.from_blocks(
            layer.mask, blocks, reason=reason, row_order=row_order, seconds=stages.seconds, notes=notes
        )

    @property
    def _unrefined(self) -> dict[str, str]:
        if not self.refine or self.rule == "budget":
            return {}
        return {"refine": f"not done: rule={self.rule} has no budget whose worth could be raised; rule=budget has"}

    def _budget(self, before: Mask) -> int:
        return before.count if self.density is None else round(self.density * before.kept.size)

    def select(
        self,
        layer: Layer,
        groups: Groups,
        *,
        device: str = "auto",
        budget: int | None = None,
        taken: BoolMatrix | None = None,
    ) -> tuple[list[Block], str]:
        """Return the blocks that the rule budget, ratio or legacy lays for given groups, and the reason should there be none.

        `budget` in weights (none: the settings'). A column that `taken` covers in some row of a group is not offered to it.
        """
        if self.rule in Widths:
            limits = {"ratio": self.ratio, "min_rows": self.min_rows, "row_multiple": self.row_multiple}
            blocks = select_by_width(layer.mask, groups, Widths[self.rule], **limits)  # type: ignore[arg-type]
            largest = max(np.count_nonzero(layer.mask.kept[rows].any(axis=1)) for rows in groups)
            reason = (
                f"a block needs more than {self.min_rows} rows that keep something; the largest group has {largest}"
            )
            if largest > self.min_rows:
                reason = f"no group has columns {self.ratio:g} times wider than what its rows leave outside"
            return blocks, reason
        before = layer.mask
        budget = self._budget(before) if budget is None else budget
        heights = np.array([rows.size for rows in groups])
        sums = group_sums(scores(layer, self.weigh, resolve_device(device)), groups)
        if taken is not None:
            sums *= as_tensor(np.stack([~taken[rows].any(axis=0) for rows in groups]), sums.device)
        chosen = select_budget(sums, heights, budget)
        blocks = [Block(rows, np.flatnonzero(cols)) for rows, cols in zip(groups, chosen, strict=True)]
        reason = f"a budget of {budget} weights buys no column of the smallest group, {heights.min()} rows high"
        return blocks, reason if before.count else "the mask keeps nothing"


def _at_budget(name: str, budget: Mapping[str, Any]) -> Iterator[Contender]:
    default = Regroup.grouper
    # Narrow groups alone gain much: who has 16 rows is to be measured against chance at 16 rows.
    narrow = [key for key, grouper in GROUPERS.items() if grouper.by_chance or key == default]
    for rows, groupers in ((None, list(GROUPERS)), (16, narrow)):
        for key in groupers:
            grouper = GROUPERS[key]
            yield Contender(
                f"{name}-{key}" + (f"-{rows}" if rows else ""),
                f"regroup, {key}" + (f", {rows} rows" if rows else ""),
                name,
                {"grouper": key, **({"rows_per_group": rows} if rows else {}), **budget},
                role="control" if grouper.is_control else "candidate",
                by_chance=grouper.by_chance,
                on_curve=not rows and (grouper.is_control or key == default),
                per_layer=key == default,
            )
    refined = {"refine": True, **budget}
    yield Contender(f"{name}-refined", "regroup, refined", name, refined)
    yield Contender(f"{name}-refined-16", "regroup, refined, 16 rows", name, {"rows_per_group": 16, **refined})


def _at_own_density(name: str) -> Iterator[Contender]:
    for rule in RULES:
        if rule != "budget":
            yield Contender(f"{name}-{rule}", f"regroup, {rule} rule", name, {"rule": rule}, at_budget=False)
