"""The break-even map: speedup over sparsity and height of the groups, on random layouts."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from sparselab.benchmarking.lock import alone
from sparselab.benchmarking.records import Row, Session
from sparselab.benchmarking.requests import Effort, kept, measure_with
from sparselab.benchmarking.verdicts import Verdict
from sparselab.core.device import resolve_device
from sparselab.core.errors import SettingError
from sparselab.core.layer import Layer
from sparselab.core.layout import Block, Layout
from sparselab.core.mask import Mask
from sparselab.kernels.base import work_of
from sparselab.runtime.progress import SILENT, Monitor

TRANSFORM = "random-groups"
"""What the sessions of a map say in `about`, with the height under "group_rows"."""


@dataclass(frozen=True, kw_only=True)
class SyntheticLayout:
    """The product a map is of: a weight of rows x cols, as a matrix product at `positions` or a convolution over `images`."""

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
    effort: Effort = field(default_factory=Effort)


@dataclass(frozen=True, kw_only=True)
class BreakEvenPoint:
    """One cell of a map. `limit` is the speedup if time were density: 1 / density."""

    group_rows: int
    density: float
    row: Row

    @property
    def limit(self) -> float:
        return 1.0 / self.density if self.density else math.inf


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


def measure_cell(
    product: SyntheticLayout, group_rows: int, density: float, *, monitor: Monitor = SILENT
) -> dict[str, Any]:
    """Measure one cell of a map in this process; return a `Measured` as plain values. Runs in a worker.

    Raises: as `random_groups` and `measure` do.
    """
    layer = Layer(
        f"{product.rows} x {product.cols}",
        Mask(np.ones((product.rows, product.cols), bool)),
        kernel_shape=product.kernel_shape,
        stride=product.stride,
        padding=product.padding,
    )
    work = work_of(
        layer,
        random_groups(product.rows, product.cols, group_rows, density, seed=product.effort.seed),
        positions=product.positions,
        images=product.images,
        dtype=product.dtype,
        device=str(resolve_device(product.device)),
        rng=np.random.default_rng(product.effort.seed),
    )
    about = {"layer": layer.name, "transform": TRANSFORM, "group_rows": str(group_rows)}
    with alone(monitor):
        session = measure_with(work, (product.kernel,), product.effort, about=about, monitor=monitor)
    return kept(session)


def points(sessions: Iterable[Session], kernel: str, condition: str = "hot") -> tuple[BreakEvenPoint, ...]:
    """Return the cells that sessions hold for a kernel: of random layouts, and of any other whose groups have one height.

    Of several sessions for one cell the first counts: sessions come newest first.
    """
    found: dict[tuple[int, float], BreakEvenPoint] = {}
    for session in sessions:
        height = session.about.get("group_rows", "")
        if not height.isdigit():
            continue
        for row in session.rows:
            if (row.kernel, row.role, row.condition) == (kernel, "kernel", condition):
                key = int(height), round(session.density, 4)
                found.setdefault(key, BreakEvenPoint(group_rows=int(height), density=session.density, row=row))
    return tuple(found[key] for key in sorted(found))


def break_even(line: Iterable[BreakEvenPoint]) -> float | None:
    """Return the density at which speedup crosses 1, between neighbours on a log scale; None where it does not.

    line: the points of one height. Where it crosses more than once, the largest such density.
    """
    known = sorted(
        ((p.density, p.row.speedup_vs_dense) for p in line if p.row.speedup_vs_dense is not None), reverse=True
    )
    for (dense, slow), (sparse, fast) in pairwise(known):
        if slow < 1.0 <= fast:
            share = math.log(1.0 / slow) / math.log(fast / slow)
            return math.exp(math.log(dense) + share * math.log(sparse / dense))
    return None


def pays_up_to(line: Iterable[BreakEvenPoint]) -> float | None:
    """Return the largest density at and below which every point's verdict is FASTER; None where the sparsest does not."""
    found = None
    for point in sorted(line, key=lambda point: point.density):
        if point.row.verdict is not Verdict.FASTER:
            break
        found = point.density
    return found
