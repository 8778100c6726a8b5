"""One knob of a transform over its range, at several budgets: what is kept of a layer, beside what random groups keep."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sparselab.core.errors import SettingError
from sparselab.core.settings import Setting, settings_of
from sparselab.formats import ReadOptions, load_layer
from sparselab.runtime.progress import SILENT, Monitor
from sparselab.transforms import TRANSFORMS
from sparselab.transforms.base import Transform
from sparselab.workflows.sweeps.point import found_at

_FACTORS = (0.5, 0.71, None, 1.41, 2.0)
"""Budgets beside the mask's own (None), as multiples of it: half, twice, and their roots."""


@dataclass(frozen=True)
class SweepPoint:
    """A value of the knob at one budget. density: None for as many weights as the mask keeps, or where there is no budget."""

    value: Any
    density: float | None
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class Sweep:
    """What is swept: the knob, the setting of the budget (None: the transform has none here), and the points, budget by budget.

    density: what the mask keeps.
    """

    knob: Setting
    budget: Setting | None
    density: float
    points: tuple[SweepPoint, ...]

    @property
    def densities(self) -> tuple[float | None, ...]:
        """The budgets, ascending."""
        return tuple(dict.fromkeys(point.density for point in self.points))


def sweep_of(kind: type[Transform], settings: Mapping[str, Any], density: float) -> Sweep | str:
    """Return the sweep of a transform around `settings` on a layer that keeps `density` of its weights; or, in words, why there is none.

    The knob is the first setting with a `Ladder` that counts beside the others; a value that they exclude is left out. Where the
    transform spends a budget, the mask's own is swept with two below and two above, at most all weights.

    Example: >>> found = sweep_of(TRANSFORMS["regroup"], {}, 0.2)
             >>> found.knob.name, [point.value for point in found.points[:5]], found.densities
             ('rows_per_group', [8, 16, 32, 64, 128], (0.1, 0.14, None, 0.28, 0.4))
             >>> sweep_of(TRANSFORMS["refill"], {}, 0.2)
             'Refill has no number to sweep'
    """
    declared = settings_of(kind)
    values = {each.name: settings.get(each.name, each.default) for each in declared}
    laddered = [each for each in declared if each.ladder]
    if not laddered:
        return f"{kind.title} has no number to sweep"
    knob = next((each for each in laddered if each.counts(values)), None)
    if knob is None:
        first = laddered[0]
        assert first.when is not None
        return f"{first.label} does not count beside the other settings: put “{_label(declared, first.when.name)}” back to its default"
    spending = [each for each in declared if each.name in kind.spending(1.0) and each.counts(values)]
    budget = next((each for each in spending if each != knob and each.optional), None)  # its None is the mask's own
    budgets = (None,) if budget is None else _budgets(density)
    points = tuple(
        SweepPoint(value, spent, made)
        for spent in budgets
        for value in knob.ladder
        if _is_taken(kind, made := {**settings, knob.name: value, **({budget.name: spent} if budget else {})})
    )
    return (
        Sweep(knob, budget, density, points)
        if points
        else f"{kind.title}: the other settings exclude every value of {knob.label}"
    )


def sweep_row(
    path: str,
    layer_name: str,
    transform: str,
    settings: Mapping[str, Any],
    seed: int,
    options: ReadOptions,
    device: str = "auto",
    *,
    monitor: Monitor = SILENT,
) -> dict[str, Any]:
    """Run a transform on one layer of a file, in a worker; return its report and what random groups keep, None where that says nothing.

    `repeatable`: no clock or cancel ended a search, so that another run comes to the same.
    """
    layer, run = load_layer(path, layer_name, options), TRANSFORMS[transform](**settings)
    found = found_at(layer, run, seed, with_chance=True, device=device, monitor=monitor)
    return {name: value for name, value in found.items() if name != "layout"}


def _budgets(density: float) -> tuple[float | None, ...]:
    told = [None if factor is None else float(f"{factor * density:.2g}") for factor in _FACTORS]
    return tuple(dict.fromkeys(each for each in told if each is None or 0 < each <= 1))


def _is_taken(kind: type[Transform], settings: Mapping[str, Any]) -> bool:
    try:
        kind(**settings)
    except SettingError:
        return False
    return True


def _label(declared: tuple[Setting, ...], name: str) -> str:
    return next(each.label for each in declared if each.name == name)
