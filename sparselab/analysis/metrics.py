"""The numbers of a layout, under the names that the app, the command line and the documents share."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, get_args, get_type_hints

import numpy as np
from numpy.typing import NDArray
from typing_extensions import Doc

from sparselab.core.errors import SparselabError
from sparselab.core.inputs.layers import LayerLike, as_layer
from sparselab.core.layer import Layer
from sparselab.core.layout import Layout, Status
from sparselab.core.mask import Mask
from sparselab.core.strips import row_strips

TILE = 16
"""Side of the tile at which `nonzero_tiles` and `padding_waste` are counted unless another is asked for."""


@dataclass(frozen=True)
class Label:
    """What a number is called where people read it, unless its field's name says it as well."""

    text: str


@dataclass(frozen=True)
class Report:
    """What a transform did to a layer. None: the number has no meaning here (no weights, or nothing was found)."""

    status: Annotated[
        Status,
        Doc(
            "blocked: the weights lie in dense blocks; masked: weights were chosen, but not in blocks; unblocked: no structure was "
            "found, and the mask is unchanged; dense: every weight is kept"
        ),
    ]
    reason: Annotated[str, Doc("why there are no blocks, or why every weight is kept")]
    density_before: Annotated[float, Doc("kept weights / all weights, before")]
    density_after: Annotated[float, Doc("kept weights / all weights, after")]
    sparsity_after: Annotated[float, Doc("1 - density after")]
    coverage: Annotated[
        float | None,
        Label("Weights kept"),
        Doc("of the weights that pruning had kept, how many are still there: kept before and after / kept before"),
    ]
    energy: Annotated[float | None, Label("Energy kept"), Doc("sum of w squared that stays / sum of w squared before")]
    magnitude: Annotated[float | None, Label("Magnitude kept"), Doc("sum of |w| that stays / sum of |w| before")]
    block_density: Annotated[
        float | None,
        Doc(
            "weights kept before inside blocks / area of the blocks; equals the weights kept where the blocks' area equals "
            "the number of weights kept before"
        ),
    ]
    fill_in: Annotated[
        float,
        Label("Fill-in"),
        Doc("share of the new weights that pruning had removed: not kept before / weights after"),
    ]
    blocks: Annotated[int, Doc("number of dense blocks")]
    rows_per_block_mean: Annotated[
        float | None, Label("Block height"), Doc("mean over the blocks of their height, in rows")
    ]
    cols_per_block_mean: Annotated[
        float | None, Label("Block width"), Doc("mean over the blocks of their width, in columns")
    ]
    tile_size: Annotated[int, Doc("side of the square tiles counted, in weights")]
    nonzero_tiles: Annotated[
        int,
        Label("Tiles computed"),
        Doc(
            "square tiles that a kernel computes: those into which the blocks are cut, or, without blocks, those of the mask "
            "that hold a weight"
        ),
    ]
    padding_waste: Annotated[float, Doc("share of the computed tiles' area that holds no weight of the mask after")]
    flops_ratio: Annotated[float, Label("Multiply-adds"), Doc("multiply-adds after / multiply-adds of the dense layer")]
    efficacy: Annotated[
        float | None, Doc("N:M only: 0 is natural order, 100 the unstructured bound at the same density")
    ]
    seconds: Annotated[Mapping[str, float], Doc("wall-clock seconds per stage")]

    def as_json(self) -> dict[str, Any]:
        """Return plain values under the fields' names."""
        return {field.name: _plain(getattr(self, field.name)) for field in dataclasses.fields(self)}


def report(layout: Layout, layer: LayerLike, *, tile: int = TILE) -> Report:
    """Return the numbers of `layout`, which some transform made of `layer`, or of what stands for one; see `as_layer`.

    Raises: SparselabError when they are of different shapes.
    """
    layer = as_layer(layer)
    if layer.mask.shape != layout.before.shape:
        raise SparselabError(f"expected the layer of the layout, {layout.before.shape}; got {layer.mask.shape}")
    before, after = layout.before, layout.after
    found = layout.status != "unblocked"
    heights = [block.rows.size for block in layout.blocks]
    widths = [block.cols.size for block in layout.blocks]
    tiles = tile_count(layout, tile)
    energy, magnitude = _stays(layer, layout) if found else (None, None)
    return Report(
        status=layout.status,
        reason=layout.reason,
        density_before=before.density,
        density_after=after.density,
        sparsity_after=after.sparsity,
        coverage=_share(layout.covered.count, before.count) if found else None,
        energy=energy,
        magnitude=magnitude,
        block_density=_share(layout.covered.count, sum(block.area for block in layout.blocks)),
        fill_in=_share(layout.grown.count, after.count) or 0.0,
        blocks=len(layout.blocks),
        rows_per_block_mean=float(np.mean(heights)) if heights else None,
        cols_per_block_mean=float(np.mean(widths)) if widths else None,
        tile_size=tile,
        nonzero_tiles=tiles,
        padding_waste=1.0 - after.count / (tiles * tile * tile) if tiles else 0.0,
        flops_ratio=after.density,
        efficacy=layout.figures.get("efficacy"),
        seconds=dict(layout.seconds),
    )


def tile_count(layout: Layout, tile: int) -> int:
    """Return how many tile x tile tiles a kernel computes: the blocks cut up, or the mask's own tiles that hold a weight."""
    if layout.blocks:
        return sum(-(-block.rows.size // tile) * -(-block.cols.size // tile) for block in layout.blocks)
    return occupied_tiles(layout.after, tile)


def occupied_tiles(mask: Mask, tile: int) -> int:
    """Return the number of aligned tile x tile areas of `mask` that hold at least one kept weight.

    Example: >>> occupied_tiles(Mask(np.eye(8, dtype=bool)), 4)
             2
    """
    by_rows = np.logical_or.reduceat(mask.kept, np.arange(0, mask.rows, tile), axis=0)
    return int(np.logical_or.reduceat(by_rows, np.arange(0, mask.cols, tile), axis=1).sum())


def block_densities(layout: Layout) -> np.ndarray:
    """Return, for every block, the weights kept before inside it / its area."""
    kept = layout.before.kept
    return np.array([kept[np.ix_(block.rows, block.cols)].mean() for block in layout.blocks])


def totals(reports: Iterable[tuple[Layer, Layout, Report]]) -> dict[str, Any]:
    """Return the numbers of a whole ticket: sums over its layers, not means of their shares.

    The layers are looked at one by one, so that an iterator need not hold them all.
    """
    counts: Counter[str] = Counter()
    seconds = 0.0
    for _, layout, numbers in reports:
        before, found = layout.before, layout.status != "unblocked"
        counts += Counter(
            layers=1,
            blocked=int(numbers.status == "blocked"),
            size=before.kept.size,
            before=before.count,
            after=layout.after.count,
            stays=layout.covered.count if found else 0,
            before_found=before.count if found else 0,
        )
        seconds += sum(numbers.seconds.values())
    return {
        "layers": counts["layers"],
        "blocked": counts["blocked"],
        "weights": counts["size"],
        "density_before": _share(counts["before"], counts["size"]),
        "density_after": _share(counts["after"], counts["size"]),
        "coverage": _share(counts["stays"], counts["before_found"]),
        "flops_ratio": _share(counts["after"], counts["size"]),
        "seconds": seconds,
    }


@cache
def _hints() -> dict[str, Any]:
    return get_type_hints(Report, include_extras=True)


def meanings() -> dict[str, str]:
    """Return what each number of a report means, for tooltips and documents."""
    return {
        name: next(mark.documentation for mark in get_args(hint) if isinstance(mark, Doc))
        for name, hint in _hints().items()
    }


def labels() -> dict[str, str]:
    """Return what each number of a report is called where people read it; its field's name stays in JSON and CSV."""
    return {
        name: next(
            (mark.text for mark in get_args(hint) if isinstance(mark, Label)), name.replace("_", " ").capitalize()
        )
        for name, hint in _hints().items()
    }


def _stays(layer: Layer, layout: Layout) -> tuple[float | None, float | None]:
    """Return the shares of energy and of magnitude that stay; None without weights or where there is none."""
    if layer.weight is None:
        return None, None
    sums = _sums(layer, layout, 1.0)
    if not np.isfinite(sums).all():  # squares of weights above 1e154; the shares are the same at any scale
        sums = _sums(layer, layout, 2.0**-600)
    energy, magnitude = (_share(float(part), float(whole)) for part, whole in sums)
    return energy, magnitude


def _sums(layer: Layer, layout: Layout, scale: float) -> NDArray[np.float64]:
    """Return the energy and the magnitude that stay and that there were, of the weights times `scale`."""
    after, sums = layout.after.kept, np.zeros((2, 2))
    for rows in row_strips(*after.shape):
        importance = layer.importance_of(rows)
        assert importance is not None
        importance *= scale
        with np.errstate(over="ignore"):
            for place, worth in enumerate((importance**2, importance)):
                sums[place] += worth.sum(where=after[rows]), worth.sum()
    return sums


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else value
