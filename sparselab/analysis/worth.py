"""What "best" means, wherever layouts of one layer are set against each other: who keeps most, of what, and who is level."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal

import numpy as np

from sparselab.analysis.metrics import Report
from sparselab.core.layer import FloatMatrix, Layer
from sparselab.core.mask import BoolMatrix, IntVector, Mask
from sparselab.core.strips import row_strips

Measure = Literal["energy", "coverage"]
"""The number of a report by which layouts are compared."""

KEPT: Mapping[Measure, str] = MappingProxyType(
    {"energy": "of the weights' energy (sum of w squared)", "coverage": "of the kept weights"}
)
"""What a share of each measure is a share of."""

BEST = "best = keeps most of the weights' energy, or most of the kept weights where a layer is a mask alone"
"""The definition in words, shown beside whatever is called best."""

LEVEL = 1e-9
"""Shares of energy are sums of floats: what differs by less is level."""


def measure_of(report: Report | Mapping[str, Any]) -> Measure:
    """Return by what a layout is compared: energy where its layer has weights, else the number of weights kept.

    report: a `Report`, or its `as_json`. A layout in which nothing was found has no energy, whatever its layer has: ask one
    that has.
    """
    return "coverage" if _figure(report, "energy") is None else "energy"


def worth_of(report: Report | Mapping[str, Any]) -> float:
    """Return the share that is kept by the measure of `measure_of`, from 0 to 1; -1 where nothing was found.

    Example: >>> worth_of({"energy": 0.9, "coverage": 0.5}), worth_of({"energy": None, "coverage": None})
             (0.9, -1.0)
    """
    kept = _figure(report, measure_of(report))
    return -1.0 if kept is None else float(kept)


def best_of(reports: Sequence[Report | Mapping[str, Any]]) -> tuple[int, ...]:
    """Return the places of those that keep most of one layer, ascending: several where they are level, none where none found anything.

    Example: >>> best_of([{"energy": None, "coverage": kept} for kept in (0.5, 0.7, None, 0.7)])
             (1, 3)
    """
    worths = [worth_of(report) for report in reports]
    most = max(worths, default=-1.0)
    return () if most < 0 else tuple(place for place, worth in enumerate(worths) if worth >= most - LEVEL)


def share_in_cells(layer: Layer) -> Callable[[Sequence[IntVector], BoolMatrix], float]:
    """Return a function that gives the share of a layer that blocks keep: `worth_of` the report of their layout, without the layout.

    It is given the rows of groups and the columns that each takes (bool groups x cols), and looks at those weights alone. It rounds
    otherwise than the report: they agree to a part in 10**12. 0 where there is nothing to keep a share of.

    Example: >>> share_in_cells(Layer("eye", Mask(np.eye(4, dtype=bool))))([np.arange(2)], np.array([[True, True, False, False]]))
             0.5
    """
    mask, weight = layer.mask, layer.weight
    largest = 0.0 if weight is None else _largest(weight, mask)
    if weight is None or not largest > 0:
        return lambda groups, chosen: (
            sum(int(np.count_nonzero(mask.kept[rows] & cols)) for rows, cols in zip(groups, chosen, strict=True))
            / max(mask.count, 1)
        )
    kept, whole = np.where(mask.kept, weight, 0), _energy(weight, mask, largest)

    def share(groups: Sequence[IntVector], chosen: BoolMatrix) -> float:
        inside = (kept[rows].take(np.flatnonzero(cols), axis=1) for rows, cols in zip(groups, chosen, strict=True))
        return float(sum(np.square(values.astype(np.float64) / largest).sum() for values in inside)) / whole

    return share


def whole_of(layer: Layer) -> dict[Measure, float | None]:
    """Return what the shares of `worth_of` are shares of: the sum of w squared of the kept weights, and their number.

    energy: None without weights, where they are all 0, and where their squares are beyond floats.
    Example: >>> whole_of(Layer("fc", Mask(np.eye(2, dtype=bool)), weight=3 * np.eye(2)))
             {'energy': 18.0, 'coverage': 2.0}
    """
    energy = None
    if layer.weight is not None:
        with np.errstate(over="ignore"):
            energy = _energy(layer.weight, layer.mask, 1.0)
    return {
        "energy": energy if energy and np.isfinite(energy) else None,
        "coverage": float(layer.mask.count),
    }


def _largest(weight: FloatMatrix, mask: Mask) -> float:
    return max(float(np.abs(weight[rows][mask.kept[rows]]).max(initial=0.0)) for rows in row_strips(*mask.shape))


def _energy(weight: FloatMatrix, mask: Mask, unit: float) -> float:
    kept = (weight[rows][mask.kept[rows]].astype(np.float64) / unit for rows in row_strips(*mask.shape))
    return float(sum(np.square(values).sum() for values in kept))


def _figure(report: Report | Mapping[str, Any], name: str) -> Any:
    return getattr(report, name) if isinstance(report, Report) else report[name]
