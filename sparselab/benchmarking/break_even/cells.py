"""The cells of a break-even map: random layouts of one height and density, measured beside a random mask with as many weights."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sparselab.benchmarking.break_even.maps import CELLS, Cell
from sparselab.benchmarking.lock import alone
from sparselab.benchmarking.requests import Effort, kept, measure_with
from sparselab.core.device import resolve_device
from sparselab.core.errors import SettingError
from sparselab.core.layer import Layer
from sparselab.core.layout import Block, Layout
from sparselab.core.mask import Mask
from sparselab.kernels import exact_kernel
from sparselab.kernels.base import work_of
from sparselab.runtime.progress import SILENT, Monitor

TRANSFORM = "random-groups"
"""What the sessions of a map say in `about`, with the height under "group_rows"."""

OPPONENTS_OF_A_CELL = ("dense-bfloat16",)
"""A cell is short, and its dense product is the same in all cells: of the opponents the one that a processor may be built for."""


@dataclass(frozen=True, kw_only=True)
class SyntheticLayout:
    """The product a map is of: a weight of rows x cols, as a matrix product at `positions` or a convolution over `images`.

    cells: heights and densities of the whole map, of which each session says that it belongs to them.
    """

    rows: int
    cols: int
    kernel: str
    positions: int | None = None
    images: tuple[int, int, int, int] | None = None
    kernel_shape: tuple[int, int] | None = None
    stride: int = 1
    padding: int = 0
    dtype: str = "float32"
    device: str = "auto"
    cells: tuple[Cell, ...] = ()
    effort: Effort = field(default_factory=Effort)


def random_groups(rows: int, cols: int, group_rows: int, density: float, *, seed: int = 0) -> Layout:
    """Return a layout of shuffled rows in groups of `group_rows`, each with round(density * cols) columns of its own at random.

    The last group is lower where `group_rows` does not divide the rows.
    Raises: SettingError unless 0 < density <= 1 leaves at least one column, and a group fits into the rows.
    """
    width = round(density * cols)
    if not 1 <= width <= cols or not 1 <= group_rows <= rows:
        raise SettingError(
            f"expected a density of at least one column of {cols}, and groups of 1 to {rows} rows; "
            f"got {density:g} and {group_rows}"
        )
    rng = np.random.default_rng(seed)
    order = rng.permutation(rows)
    groups = [order[start : start + group_rows] for start in range(0, rows, group_rows)]
    blocks = [Block(group, np.sort(rng.choice(cols, width, replace=False))) for group in groups]
    before = Mask(np.ones((rows, cols), bool))
    return Layout.from_blocks(before, blocks, reason="")


def measured_cells(cells: Iterable[Cell], cols: int) -> tuple[Cell, ...]:
    """Return cells with the density that a layout of `cols` columns has: that of whole columns.

    Example: >>> measured_cells([(32, 0.26)], 10)
             ((32, 0.3),)
    """
    return tuple((height, round(round(density * cols) / cols, 4)) for height, density in cells)


def measure_cell(
    product: SyntheticLayout, group_rows: int, density: float, *, monitor: Monitor = SILENT
) -> dict[str, Any]:
    """Measure one cell of a map in this process; return a `Measured` as plain values. Runs in a worker.

    Beside the kernel on blocks, the exact product of a random mask with as many weights, in the role "exact", and the dense
    product in bfloat16.
    Raises: as `random_groups` and `measure` do.
    """
    seed = product.effort.seed
    layer = Layer(
        f"{product.rows} x {product.cols}",
        Mask(np.ones((product.rows, product.cols), bool)),
        kernel_shape=product.kernel_shape,
        stride=product.stride,
        padding=product.padding,
    )
    groups = random_groups(product.rows, product.cols, group_rows, density, seed=seed)
    work = work_of(
        layer,
        Layout.from_blocks(_unstructured(groups.after, seed), groups.blocks, reason=""),
        positions=product.positions,
        images=product.images,
        dtype=product.dtype,
        device=str(resolve_device(product.device)),
        rng=np.random.default_rng(seed),
    )
    about = {"layer": layer.name, "transform": TRANSFORM, "group_rows": str(group_rows)}
    if product.cells:
        about[CELLS] = json.dumps(measured_cells(product.cells, product.cols))
    with alone(monitor):
        session = measure_with(
            work,
            (product.kernel, exact_kernel()),
            product.effort,
            opponents=OPPONENTS_OF_A_CELL,
            about=about,
            monitor=monitor,
        )
    return kept(session)


def _unstructured(mask: Mask, seed: int) -> Mask:
    """Return a mask of the same shape that keeps as many weights, at random places."""
    chosen = np.random.default_rng(seed).permutation(mask.kept.size) < mask.count
    return Mask(chosen.reshape(mask.shape))
