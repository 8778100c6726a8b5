"""A task of whichever kind is computed, in a worker of any executor."""

from __future__ import annotations

import socket
from typing import Any

from sparselab.core.errors import UnavailableError
from sparselab.runtime.progress import SILENT, Monitor
from sparselab.workflows.sweeps.kinds import kind_of
from sparselab.workflows.sweeps.point import Place, PlannedPoint, Task, this_code


def arguments_of(point: PlannedPoint) -> tuple[Any, ...]:
    """Return the arguments of `compute`, which any executor can pickle."""
    return dict(point.task), point.place, point.workplace, this_code()


def compute(task: Task, place: Place, workplace: str, code: str, *, monitor: Monitor = SILENT) -> dict[str, Any]:
    """Compute a task as its kind does, from files as they lie there; see `TaskKind.compute`. "host": the machine that did.

    Raises: UnavailableError where this is not the code that asks.
    """
    if code != this_code():
        raise UnavailableError(f"expected sparselab {code}; this worker has {this_code()}: install the same one here")
    return {**kind_of(task).compute(task, place, workplace, monitor), "host": socket.gethostname()}
