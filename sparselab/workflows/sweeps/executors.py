"""Who computes the points of a sweep: worker processes on this machine, or a cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

from sparselab.runtime.pool import ALONE, PooledCall, processors, run_pooled
from sparselab.workflows.sweeps.compute import arguments_of, compute
from sparselab.workflows.sweeps.kinds import kind_of
from sparselab.workflows.sweeps.on_dask import Outcome, on_dask
from sparselab.workflows.sweeps.point import PlannedPoint
from sparselab.workflows.sweeps.standing import Waiting

_TASK_BYTES = 48
"""A weight of a layer, at the peak of the hungriest transform: 40 were measured (docs/algorithms.md)."""

Outcomes = Iterator[Outcome | Waiting]


class Executor(Protocol):
    """Computes points, in any order; yields each with what `point.compute` returned or raised, and between them for what it waits."""

    def __call__(self, points: Iterable[PlannedPoint]) -> Outcomes: ...


@dataclass(frozen=True)
class Embedded:
    """The worker processes of this machine: as many as `workers`, fewer while large layers need the memory, one for what needs the
    machine for itself.
    """

    workers: int

    def __call__(self, points: Iterable[PlannedPoint]) -> Outcomes:
        calls = (PooledCall(point, compute, arguments_of(point), _memory(point)) for point in points)
        yield from run_pooled(calls, self.workers, imports=("torch", compute.__module__))


def _memory(point: PlannedPoint) -> float:
    return ALONE if kind_of(point.task).resource else _TASK_BYTES * point.size


def embedded(where: str) -> Embedded:
    """Return the executor for a number of processes, or "auto" for as many as there are processors."""
    return Embedded(processors() if where == "auto" else int(where))


EXECUTORS: Mapping[str, Callable[[str], Executor]] = MappingProxyType({"embedded": embedded, "dask": on_dask})
"""By name, what makes an executor of the text that says where: a number of processes, or an address."""
