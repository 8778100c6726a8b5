"""Regroup: rows of like columns together, dense blocks where a group keeps most."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar

import numpy as np
from annotated_types import Interval
from typing_extensions import Doc

from sparselab.analysis.similarity import similarity_rows
from sparselab.core.device import resolve_device
from sparselab.core.errors import SettingError
from sparselab.core.layer import Layer
from sparselab.core.layout import Block, Layout, order_rows
from sparselab.core.mask import Mask
from sparselab.core.settings import InFront, Ladder, OneOf, ShownAs, Unset, When
from sparselab.grouping import BY_CHANCE, GROUPERS, Goal, Groups
from sparselab.runtime.progress import Monitor, Stages
from sparselab.transforms.base import Transform
from sparselab.transforms.cells import Cells, cell_needs
from sparselab.transforms.contender import Contender
from sparselab.transforms.refining import Refine, Seconds, Steps, refined
from sparselab.transforms.regroup.budget import Density, SecondShare, Weigh
from sparselab.transforms.regroup.ratio import Ratio, RowMultiple
from sparselab.transforms.regroup.rule import Selection
from sparselab.transforms.regroup.rules import RULES, SPENDING, rule_of, when_read
from sparselab.transforms.regroup.threshold import MinCols, MinKept, MinRows


def _rows_of_rule(values: Mapping[str, Any]) -> int | None:
    return RULES[values["rule"]].rows_per_group


@dataclass(frozen=True)
class Regroup(Transform):
    """Group the rows by the columns they keep, then lay dense blocks of group rows x chosen columns.

    The `rule` says how groups get their columns; see `RULES`, and each rule's class for what it does exactly.

    Source: Structure-LTH (ICML 2022), Sec. 3.3 and Alg. 3; the rule `budget` is ours.
    Example: >>> layer = Layer("toy", Mask(np.arange(12) % 2 == np.arange(8)[:, None] % 2))
             >>> layout = Regroup(rows_per_group=4)(layer, rng=np.random.default_rng(0), device="cpu")
             >>> layout.covered.count / layer.mask.count, len(layout.blocks)
             (1.0, 2)
    """

    title: ClassVar[str] = "Regroup"
    source: ClassVar[str] = "Structure-LTH (ICML 2022), Alg. 3"

    rule: Annotated[
        str,
        OneOf.of(RULES),
        ShownAs("How columns are chosen"),
        Doc("how columns are chosen for a group of rows"),
    ] = "budget"
    grouper: Annotated[
        str,
        OneOf.of(GROUPERS),
        ShownAs("How rows are grouped"),
        Doc("how rows are put into groups"),
    ] = "jaccard-metis"
    rows_per_group: Annotated[
        int | None,
        Interval(ge=1, le=256),
        When("groups", (None,)),
        InFront(),
        Ladder((8, 16, 32, 64, 128)),
        ShownAs("Rows per group"),
        Unset(
            "automatic: 32 rows, or 8 groups under the rules ratio and legacy, as in the released code",
            _rows_of_rule,
        ),
        Doc("rows in every group, exactly; the last takes what remains"),
    ] = None
    groups: Annotated[
        int | None,
        Interval(ge=1, le=1024),
        ShownAs("Number of groups"),
        Unset("as rows per group says"),
        Doc("number of groups, of the sizes that the grouper finds; instead of rows per group"),
    ] = None
    knn: Annotated[
        int,
        Interval(ge=1, le=256),
        When("grouper", ("jaccard-metis",)),
        ShownAs("Similar rows joined (kNN)"),
        Doc(
            "k nearest neighbours: to how many of its most similar rows each row is joined before the rows are cut into groups"
        ),
    ] = 32
    density: Annotated[Density, when_read("density")] = None
    weigh: Annotated[Weigh, when_read("weigh")] = None
    min_rows: Annotated[MinRows, when_read("min_rows")] = 16
    min_kept: Annotated[MinKept, when_read("min_kept")] = 2
    min_cols: Annotated[MinCols, when_read("min_cols")] = 16
    ratio: Annotated[Ratio, when_read("ratio")] = 1.5
    row_multiple: Annotated[RowMultiple, when_read("row_multiple")] = 32
    second_share: Annotated[SecondShare, when_read("second_share")] = 0.0
    refine: Annotated[Refine, When("rule", SPENDING)] = False
    refine_steps: Steps = 1000
    refine_seconds: Seconds = 10.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.groups is not None and self.rows_per_group is not None:
            raise SettingError(f"expected rows_per_group or groups; got both ({self.rows_per_group} and {self.groups})")

    @classmethod
    def contenders(cls, name: str, density: float | None) -> tuple[Contender, ...]:
        """Return every grouper at the budget, narrow and refined groups, and the rules that choose a density of their own."""
        return (*_at_budget(name, cls.spending(density)), *_at_own_density(name))

    @property
    def needs(self) -> frozenset[str]:
        return cell_needs(self.weigh) if self.rule in SPENDING else frozenset()

    @property
    def goal(self) -> Goal:
        """The groups asked for; where neither their height nor their number is set, those that go with the rule."""
        height, count = self.rows_per_group, self.groups
        if height is None and count is None:
            height, count = RULES[self.rule].rows_per_group, RULES[self.rule].group_count
        return Goal(height=height, count=count, knn=self.knn)

    def at_random(self, density: float) -> Regroup:
        random = replace(self, grouper=BY_CHANCE, refine=False, rows_per_group=self.goal.height, groups=self.goal.count)
        return random if self.rule in SPENDING else replace(random, rule=SPENDING[0], density=density)

    def _run(self, layer: Layer, rng: np.random.Generator, device: str, monitor: Monitor) -> Layout:
        torch_device = resolve_device(device)  # loads torch, which is not a stage of ours
        rule, stages, notes = rule_of(self), Stages(monitor), self._not_refined()
        selection = Selection(layer)
        first: Groups = ()
        while rule.goes_on(selection) and notes.get("refine") != "cancel":
            if selection.rounds:
                monitor.progress(f"round {len(selection.rounds) + 1} of blocks")
            groups = self._group(selection.left.mask, stages, rng, device, monitor)
            objective = rule.objective(selection, groups, torch_device) if self.refine else None
            if objective is not None:
                worth, budget = objective
                groups, ended, stages = refined(
                    worth,
                    groups,
                    budget,
                    steps=self.refine_steps,
                    seconds=self.refine_seconds,
                    rng=rng,
                    monitor=monitor,
                    stages=stages,
                )
                notes |= ended
            with stages("selection"):
                selection = selection.with_round(rule.select(selection, groups, torch_device))
            first = first or groups
        reason = "" if selection.blocks else rule.why_none(layer, first)
        in_groups = [Block(rows, np.zeros(1, dtype=np.int64)) for rows in first]
        return Layout.from_blocks(
            layer.mask,
            selection.blocks,
            reason=reason,
            row_order=order_rows(in_groups, layer.mask.rows) if rule.orders_by_group else None,
            seconds=stages.seconds,
            notes={**notes, **rule.notes(selection)},
        )

    def _drawing(self, layer: Layer, device: str, monitor: Monitor) -> Callable[[np.random.Generator], Cells]:
        grouper, goal = GROUPERS[self.grouper], self.goal
        select = None if self.refine else rule_of(self).for_any_groups(layer, resolve_device(device))
        if select is None:
            return super()._drawing(layer, device, monitor)

        def cells(rng: np.random.Generator) -> Cells:
            groups = grouper(layer.mask, goal, rng=rng, device=device, monitor=monitor)
            return Cells(groups, select(groups))

        return cells

    def _group(self, mask: Mask, stages: Stages, rng: np.random.Generator, device: str, monitor: Monitor) -> Groups:
        grouper, goal = GROUPERS[self.grouper], self.goal
        if grouper.compares_rows:
            with stages("similarity"):
                similarity_rows(mask, goal.similarity, device)
        with stages("grouping"):
            return grouper(mask, goal, rng=rng, device=device, monitor=monitor)

    def _not_refined(self) -> dict[str, str]:
        if not self.refine or self.rule in SPENDING:
            return {}
        others = " or ".join(f"rule={name}" for name in SPENDING)
        return {"refine": f"not done: rule={self.rule} has no budget whose worth could be raised; {others} has"}


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
    yield Contender(f"{name}-refined", "regroup, refined", name, refined, per_layer=True)
    yield Contender(
        f"{name}-refined-16", "regroup, refined, 16 rows", name, {"rows_per_group": 16, **refined}, per_layer=True
    )


def _at_own_density(name: str) -> Iterator[Contender]:
    for rule in RULES:
        if rule not in SPENDING:
            yield Contender(f"{name}-{rule}", f"regroup, {rule} rule", name, {"rule": rule}, at_budget=False)
