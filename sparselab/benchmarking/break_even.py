"""Where structure pays: the break-even map of random layouts, and a layout against the exact product of the mask as it was."""

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
from sparselab.benchmarking.statistics import MARGIN, Ratio
from sparselab.benchmarking.verdicts import Verdict
from sparselab.core.device import resolve_device
from sparselab.core.errors import SettingError
from sparselab.core.layer import Layer
from sparselab.core.layout import Block, Layout
from sparselab.core.mask import Mask
from sparselab.kernels import KERNELS, exact_kernel
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


def exact_row(session: Session) -> Row | None:
    """Return the row of the exact product: of the mask before the transform, or where that is no other, of the mask as it is.

    None where it was not measured: sessions of older versions do not have it.
    """
    timed = [row for row in session.rows if row.kernel == exact_kernel() and _is_timed(row)]
    return next((row for role in ("exact", "kernel") for row in timed if row.role == role), None)


def structured_row(session: Session) -> Row | None:
    """Return the fastest kernel that multiplies blocks, or another structure; None where none was timed."""
    found = [
        row
        for row in session.rows
        if row.role == "kernel" and _is_timed(row) and row.kernel in KERNELS and not KERNELS[row.kernel].runs_any_mask
    ]
    return min(found, key=lambda row: row.median_ms or 0.0, default=None)


def structure_ratio(session: Session) -> Ratio | None:
    """Return exact time / structured time; None where either was not measured.

    Both were timed in turns with the dense product; the interval is the widest that their two 99 % intervals allow.
    """
    exact, structured = exact_row(session), structured_row(session)
    if exact is None or structured is None or exact.ratio is None or structured.ratio is None:
        return None
    mine, theirs = structured.ratio, exact.ratio
    return Ratio(mine.value / theirs.value, mine.low / theirs.high, mine.high / theirs.low)


def structure_shown(session: Session) -> str:
    """Return in words whether structure pays on this machine; "" where there is nothing to compare.

    "structure pays here, 1.3x over exact (1.2 to 1.4)"; "structure does not pay here, 0.8x of exact (0.7 to 0.9)".
    """
    ratio = structure_ratio(session)
    if ratio is None:
        return ""
    told = f"({ratio.low:.2f} to {ratio.high:.2f})"
    if ratio.low > 1 + MARGIN:
        return f"structure pays here, {ratio.value:.2f}x over exact {told}"
    if ratio.high < 1 + MARGIN:
        return f"structure does not pay here, {ratio.value:.2f}x the speed of exact {told}"
    return f"not decided whether structure pays here, {ratio.value:.2f}x the speed of exact {told}"


def _is_timed(row: Row) -> bool:
    return row.condition == "hot" and row.median_ms is not None
