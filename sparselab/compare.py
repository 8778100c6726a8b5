"""Every transform beside every other, at one budget, on one layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparselab.formats import ReadOptions, load_layer
from sparselab.grouping import GROUPERS
from sparselab.layout import Layout
from sparselab.mask import Mask
from sparselab.metrics import Report, report
from sparselab.monitor import SILENT, Monitor
from sparselab.pyramid import pool
from sparselab.transform import Layer
from sparselab.transforms import TRANSFORMS, ShuffledBlocks

_PICTURE_ROWS, _PICTURE_COLS = 64, 128


@dataclass(frozen=True)
class Contender:
    """One way to give a layer a structure. `at_budget`: it spends the weights it is told to, no more."""

    label: str
    transform: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    at_budget: bool = True


def contenders(density: float) -> tuple[Contender, ...]:
    """Return everybody who competes for `density` of the weights, and those who choose a density of their own."""
    budget = {"density": density}
    found = [Contender("unstructured", "prune", {"sparsity": 1.0 - density, "scope": "layer"})]
    found += [Contender(f"regroup, {name}", "regroup", {"grouper": name, **budget}) for name in GROUPERS]
    # Narrow groups alone gain much: who has 16 rows is to be measured against chance at 16 rows.
    narrow = {"rows_per_group": 16, **budget}
    found.append(Contender("regroup, random, 16 rows", "regroup", {"grouper": "random", **narrow}))
    found.append(Contender("regroup, jaccard-metis, 16 rows", "regroup", narrow))
    found.append(Contender("regroup, refined", "regroup", {"refine": True, **budget}))
    found.append(Contender("regroup, refined, 16 rows", "regroup", {"refine": True, **narrow}))
    found.append(Contender("shuffled blocks (DSB)", "shuffled-blocks", budget))
    found.append(Contender("shuffled blocks, refined", "shuffled-blocks", {"refine": True, **budget}))
    own = [
        Contender("refill", "refill", at_budget=False),
        Contender("refill+", "refill-plus", at_budget=False),
        *(
            Contender(f"regroup, {rule} rule", "regroup", {"rule": rule}, False)
            for rule in ("threshold", "ratio", "legacy")
        ),
        Contender("2:4", "n-m", at_budget=False),
        Contender("1:4", "n-m", {"n": 1, "m": 4}, at_budget=False),
    ]
    return (*found, *own)


def curve_contenders() -> tuple[Contender, ...]:
    """Return those whose coverage is drawn against density: quick enough to be run at every density."""
    return (
        Contender("unstructured", "prune", {"scope": "layer"}),
        Contender("regroup, jaccard-metis", "regroup"),
        Contender("regroup, natural", "regroup", {"grouper": "natural"}),
        Contender("regroup, random", "regroup", {"grouper": "random"}),
        Contender("shuffled blocks (DSB)", "shuffled-blocks"),
    )


def at_density(contender: Contender, density: float) -> Contender:
    """Return the contender told to spend `density` of the weights."""
    spend = {"sparsity": 1.0 - density} if contender.transform == "prune" else {"density": density}
    return Contender(contender.label, contender.transform, {**contender.settings, **spend}, contender.at_budget)


def run_contender(
    layer: Layer, contender: Contender, *, seed: int, device: str = "auto", monitor: Monitor = SILENT
) -> tuple[Layout, Report]:
    """Run one contender. Raises: SettingError when the layer lacks what it needs."""
    run = TRANSFORMS[contender.transform](**_within_budget(contender, layer))
    layout = run(layer, rng=np.random.default_rng(seed), device=device, monitor=monitor)
    return layout, report(layout, layer)


def _within_budget(contender: Contender, layer: Layer) -> dict[str, Any]:
    """Return the settings, told to spend no more than the budget: DSB rounds its number of blocks up, we compare rounded down."""
    settings = dict(contender.settings)
    if contender.at_budget and contender.transform == "shuffled-blocks" and settings.get("density") is not None:
        size, area = layer.mask.kept.size, settings.get("block_size", ShuffledBlocks.block_size) ** 2
        settings["density"] = int(round(settings["density"] * size) // area) * area / size
    return settings


def compare_row(
    path: str,
    layer_name: str,
    contender: Mapping[str, Any],
    seed: int,
    options: ReadOptions,
    device: str = "auto",
    *,
    monitor: Monitor = SILENT,
) -> dict[str, Any]:
    """Run one contender on one layer of a file, in a worker; return its report, its picture and what `budget` keeps there.

    `rival` is, for a contender with a density of its own, the coverage of `regroup` with the budget rule at that density.
    """
    layer = load_layer(path, layer_name, options)
    chosen = Contender(**contender)
    layout, numbers = run_contender(layer, chosen, seed=seed, device=device, monitor=monitor)
    rival = None
    if not chosen.at_budget and numbers.coverage is not None:
        budget = Contender("regroup", "regroup", {"density": layout.after.density})
        _, beside = run_contender(layer, budget, seed=seed, device=device, monitor=monitor)
        rival = beside.coverage
    return {"report": numbers.as_json(), "picture": thumbnail(layout), "rival": rival}


def curve_row(
    path: str,
    layer_name: str,
    contender: Mapping[str, Any],
    densities: list[float],
    seed: int,
    options: ReadOptions,
    device: str = "auto",
    *,
    monitor: Monitor = SILENT,
) -> dict[str, Any]:
    """Return the density spent and the coverage of one contender at each of `densities`."""
    layer = load_layer(path, layer_name, options)
    points = []
    for done, density in enumerate(densities):
        monitor.progress(str(contender["label"]), done, len(densities))
        _, numbers = run_contender(
            layer, at_density(Contender(**contender), density), seed=seed, device=device, monitor=monitor
        )
        points.append((numbers.density_after, numbers.coverage))
    return {"points": points}


def thumbnail(layout: Layout) -> NDArray[np.uint8]:
    """Return two small pictures of densities, stacked: the mask before in natural order, and after, reordered.

    2 x 64 x 128 at most, 0 to 255 for densities from 0 to 1: every row of a comparison on one scale.
    """
    after = layout.after.permuted(layout.row_order.order, layout.col_order.order)
    return np.stack([_small(layout.before), _small(after)])


def _small(mask: Mask) -> NDArray[np.uint8]:
    level = pool(mask, most_rows=_PICTURE_ROWS, most_cols=_PICTURE_COLS)
    picture: NDArray[np.uint8] = np.rint(255 * level.density).astype(np.uint8)
    return picture
