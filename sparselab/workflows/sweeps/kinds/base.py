"""What a kind of task is: whatever a sweep does with tasks, it asks their kind."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar, Protocol

from sparselab.core.errors import FileError
from sparselab.core.layer import Layer
from sparselab.formats import load_layer
from sparselab.formats.limited import bounded, limits_of
from sparselab.runtime.progress import Monitor
from sparselab.workflows.layer_digest import digest_in
from sparselab.workflows.sweeps.layers import PlannedFile
from sparselab.workflows.sweeps.point import LayerPlace, Place, PlannedPoint, Task
from sparselab.workflows.sweeps.values import check_values, combinations_of

_MOST = 2**63
Row = dict[str, Any]
Result = Mapping[str, Any]


class Swept(Protocol):
    """What a kind asks of a plan."""

    @property
    def files(self) -> tuple[PlannedFile, ...]: ...
    @property
    def transforms(self) -> Mapping[str, Mapping[str, tuple[Any, ...]]]: ...
    @property
    def seeds(self) -> tuple[int, ...]: ...
    @property
    def settings(self) -> Mapping[str, tuple[Any, ...]]: ...
    def points(self) -> Iterator[PlannedPoint]: ...


class TaskKind(ABC):
    """A kind of task. What a result holds follows from the task and the version alone; what does not is returned as its `figures`."""

    mark: ClassVar[str]
    """The key under which a task of this kind says what is asked: by it the kind of a task is known."""
    has_layers: ClassVar[bool] = True
    """A task for every layer, transform and combination of its settings; otherwise there are no layers and no transforms."""
    settings: ClassVar[type | None] = None
    """What a plan of this kind sweeps beside the transforms: a dataclass of declared settings."""
    resource: ClassVar[str] = ""
    """What a task needs of a machine, and has for itself there: a worker resource of Dask; of this machine's pool, the pool."""
    has_workplace: ClassVar[bool] = False
    """Whether a task keeps in a folder of its own what it has begun, and goes on there."""
    is_shared: ClassVar[bool] = False
    """Whether pages and other sweeps find the results, and their answers are found here."""

    def check(self, values: Mapping[str, Sequence[Any]]) -> None:
        """Raises: SettingError for values of its settings that cannot be swept."""
        check_values(self.mark, self.settings or _NoSettings, values)

    def chosen(self, values: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
        """Return every combination of its settings, whole, as tasks say them."""
        return combinations_of(self.settings or _NoSettings, values)[0]

    @abstractmethod
    def compute(self, task: Task, place: Place, workplace: str, monitor: Monitor) -> dict[str, Any]:
        """Compute a task, in a worker of any executor.

        Returns: {"result", "seconds"}, and "figures" where it measures; or {"error"} with the reason where the task itself says that
            there is no result, as where a layer lacks the weights that the settings need.
        Raises: FileError where a file is not there or holds another layer than the plan says; LimitError where the machine is too
            small or too slow. Another machine, or another day, may do better.
        """

    @abstractmethod
    def is_whole(self, told: Result) -> bool:
        """Whether what a result's file holds is of plain values, as `rows` reads it. It may raise what a lookup raises, if it is not."""

    @abstractmethod
    def columns(self, plan: Swept) -> tuple[str, ...]:
        """Return the columns of the table."""

    @abstractmethod
    def rows(
        self, plan: Swept, results: Iterable[tuple[str, Result]], figures: Mapping[str, Sequence[Result]]
    ) -> list[Row]:
        """Return the rows of the table, in the plan's order. results: digests of tasks and what their files hold; what belongs to no
        part of the plan is left out. figures: by digest, what was measured, and where.
        """


@dataclass(frozen=True)
class _NoSettings:
    """What a kind has that sweeps transforms alone."""


def planned_layer(task: Task, place: Place) -> Layer:
    """Return the layer of a task from the file as it lies there, without its name: a reason must not tell files apart.

    Raises: FileError where the file holds another layer than the plan says; LimitError where reading it takes more than `limits_of`
        it. In a thread of a cluster's worker no limit can be set for one task: its operator sets those of the process.
    """
    assert isinstance(place, LayerPlace)
    if threading.current_thread() is not threading.main_thread():
        return _layer(task, place)
    return bounded(partial(_layer, task, place), limits_of(place.path, place.options.masks))


def _layer(task: Task, place: LayerPlace) -> Layer:
    found = digest_in(place.path, place.layer, place.options)
    if found != task["layer"]:
        raise FileError(
            f"{place.layer}: expected the layer that was planned, {task['layer'][:12]}; got {found[:12]}: "
            "bring the same file here, or plan anew"
        )
    return replace(load_layer(place.path, place.layer, place.options), name="the layer", notes=())


def are_plain(values: Iterable[Any]) -> bool:
    """Whether values are numbers, texts or none."""
    return all(each is None or isinstance(each, str) or are_numbers((each,)) for each in values)


def are_numbers(values: Iterable[Any]) -> bool:
    """Whether values are numbers that a chart and a table can hold: finite ones that fit into 64 bits."""
    return all(isinstance(each, int | float) and -_MOST < each < _MOST for each in values)
