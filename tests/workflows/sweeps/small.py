"""A small sweep: two layers of a file, two transforms, and an executor without processes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from sparselab.formats import ReadOptions, read_ticket
from sparselab.workflows.sweeps.compute import arguments_of, compute
from sparselab.workflows.sweeps.executors import Outcomes
from sparselab.workflows.sweeps.outline import Outline, files_at, plan_of
from sparselab.workflows.sweeps.plan import Plan
from sparselab.workflows.sweeps.point import PlannedPoint
from sparselab.workflows.sweeps.standing import Waiting

TRANSFORMS: dict[str, dict[str, tuple[Any, ...]]] = {
    "regroup": {"rows_per_group": (4, 8), "density": (0.1, 0.2)},
    "refill": {"score": ("count", "l1")},
}
"""Eight points of each layer are results, and of a mask alone some are none: l1 needs weights."""


def write_file(path: Path, layers: int = 2) -> Path:
    rng = np.random.default_rng(5)
    np.savez(path, **{f"fc{number}": rng.random((24, 32)) < 0.3 for number in range(layers)})
    return path


def small_plan(folder: Path, **changes: Any) -> Plan:
    path = write_file(folder / "net.npz")
    outline = Outline(files_at(path, ReadOptions()), TRANSFORMS, seeds=(0, 1))
    return plan_of(replace(outline, **changes), read_ticket, lambda _text: None)


def inline(points: Iterable[PlannedPoint]) -> Outcomes:
    """An executor that computes in this process, one point after the other: the bare loop."""
    for point in points:
        try:
            yield point, compute(*arguments_of(point))
        except Exception as error:
            yield point, error


def waiting_first(points: Iterable[PlannedPoint]) -> Outcomes:
    """An executor that waits for workers, says so twice, and then computes as `inline` does."""
    yield from (Waiting("no workers on it"), Waiting("no workers on it"), Waiting(""))
    yield from inline(points)


def results_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / "results").iterdir() if not path.name.startswith(".")}


def digests(points: Iterator[PlannedPoint]) -> list[str]:
    return [point.digest for point in points]
