"""Every transform beside every other, at one budget, on one layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparselab.analysis.metrics import Report
from sparselab.analysis.pooling import pool
from sparselab.core.layer import Layer
from sparselab.core.layout import Layout
from sparselab.core.mask import Mask
from sparselab.formats import ReadOptions, load_layer, read_blocks
from sparselab.formats.names import clean_name
from sparselab.runtime.progress import SILENT, Monitor
from sparselab.transforms import TRANSFORMS, Regroup
from sparselab.transforms.base import Transform
from sparselab.transforms.contender import Contender
from sparselab.workflows.known_runs import NOTHING_KNOWN, KnownRuns

_PICTURE_ROWS, _PICTURE_COLS = 64, 128


def contenders(density: float | None) -> tuple[Contender, ...]:
    """Return everybody who competes for `density` of the weights, then those who choose a density of their own.

    Who they are is said by each transform of the registry. density: None for as many as every transform spends by default.
    """
    found = [each for name, kind in TRANSFORMS.items() for each in kind.contenders(name, density)]
    return tuple(sorted(found, key=lambda each: not each.at_budget))


def best_contenders(density: float) -> tuple[Contender, ...]:
    """Return those among whom the best structure of a layer is sought, wherever that is asked: on Compare as on Model.

    The candidates at the budget with the default grouper, as it is and refined; what "best" means says `analysis.worth`.
    """
    return tuple(each for each in contenders(density) if each.per_layer)


def curve_contenders() -> tuple[Contender, ...]:
    """Return those whose coverage is drawn against density, transform by transform, controls last."""
    found = [each for each in contenders(None) if each.on_curve]
    kinds = list(TRANSFORMS)
    return tuple(sorted(found, key=lambda each: (kinds.index(each.transform), each.role == "control")))


def at_density(contender: Contender, density: float) -> Contender:
    """Return the contender told to spend `density` of the weights."""
    spend = TRANSFORMS[contender.transform].spending(density)
    return replace(contender, settings={**contender.settings, **spend})


def transform_on(layer: Layer, contender: Contender) -> Transform:
    """Return the transform that a contender is on a layer: told to spend no more than its budget where it has one."""
    run = TRANSFORMS[contender.transform](**contender.settings)
    return run.within_budget(layer) if contender.at_budget else run


def run_contender(
    layer: Layer,
    contender: Contender,
    *,
    seed: int,
    device: str = "auto",
    monitor: Monitor = SILENT,
    known: KnownRuns = NOTHING_KNOWN,
) -> tuple[Layout, Report]:
    """Run one contender, where it is not known. Raises: SettingError when the layer lacks what it needs."""
    run = transform_on(layer, contender)
    return known.layout(contender.transform, run, layer, seed=seed, device=device, monitor=monitor)


def block_file_layout(layer: Layer, path: Path) -> tuple[Contender, Layout]:
    """Return the layout that a .block file has for a layer, as a contender of its own beside those of the registry.

    Raises: FileError for a file that is none, and for blocks that do not fit the layer.
    """
    layout = read_blocks(path, before=layer.mask)
    return Contender("blocks", f"the blocks of {clean_name(path.name)}", "blocks", {"file": str(path)}), layout


def compare_row(
    path: str,
    layer_name: str,
    contender: Mapping[str, Any],
    seed: int,
    options: ReadOptions,
    device: str = "auto",
    *,
    monitor: Monitor = SILENT,
    known: KnownRuns = NOTHING_KNOWN,
) -> dict[str, Any]:
    """Run one contender on one layer of a file, in a worker; return its report, its picture and what `budget` keeps there.

    `masks`: {"rows", "cols", "before", "after"}, packed. `settings`: of the transform as it ran.
    `rival` is, for a contender with a density of its own, the coverage of `regroup` with the budget rule at that density;
    known: where runs of this layer are found and kept. `repeatable`: no clock or cancel ended a search, so that another run comes to the same.
    """
    layer = load_layer(path, layer_name, options)
    chosen = Contender(**contender)
    layout, numbers = run_contender(layer, chosen, seed=seed, device=device, monitor=monitor, known=known)
    rival, is_cut_short = None, layout.is_cut_short
    if not chosen.at_budget and numbers.coverage is not None:
        budget = Contender("regroup", "regroup", "regroup", Regroup.spending(layout.after.density))
        other, beside = run_contender(layer, budget, seed=seed, device=device, monitor=monitor, known=known)
        rival, is_cut_short = beside.coverage, is_cut_short or other.is_cut_short
    return {
        "report": numbers.as_json(),
        "picture": thumbnail(layout),
        "rival": rival,
        "masks": {"rows": layer.mask.rows, "cols": layer.mask.cols, **_packed(layout)},
        "settings": asdict(transform_on(layer, chosen)),
        "repeatable": not is_cut_short,
    }


def _packed(layout: Layout) -> dict[str, Any]:
    return {"before": layout.before.packed, "after": layout.after.packed}


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
    known: KnownRuns = NOTHING_KNOWN,
) -> dict[str, Any]:
    """Return the density spent and the coverage of one contender at each of `densities`; `repeatable` as `compare_row`."""
    layer = load_layer(path, layer_name, options)
    points, repeatable = [], True
    for done, density in enumerate(densities):
        monitor.progress(str(contender["title"]), done, len(densities))
        asked = at_density(Contender(**contender), density)
        run = transform_on(layer, asked)
        numbers, ended = known.numbers(asked.transform, run, layer, seed=seed, device=device, monitor=monitor)
        repeatable = repeatable and ended
        points.append((numbers.density_after, numbers.coverage))
    return {"points": points, "repeatable": repeatable}


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
