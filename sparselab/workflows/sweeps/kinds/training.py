"""One run of a training: killed, it goes on in its own folder, and comes to the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar

from sparselab.core.errors import SettingError
from sparselab.runtime.pipes import Limits
from sparselab.runtime.progress import SILENT, Monitor
from sparselab.runtime.worker import run_isolated
from sparselab.training.runs.views import read_run
from sparselab.training.settings import TrainSettings, read_settings
from sparselab.workflows.sweeps.kinds.base import Result, Row, Swept, TaskKind, are_plain
from sparselab.workflows.sweeps.point import DataPlace, Place, Task

_NUMBERS = (
    *("level", "sparsity", "kept", "channels", "blocks"),
    *("metric", "validation", "test", "validation_accuracy", "test_accuracy"),
)
_OF_THE_PLAN = ("seed", "device")
"""Settings that every plan has, whatever its kind."""


class TrainingKind(TaskKind):
    """Its result: what `sparselab train --json` says of every level and of what became of its tickets, without the seconds."""

    mark: ClassVar[str] = "a training"
    has_layers: ClassVar[bool] = False
    settings: ClassVar[type | None] = TrainSettings
    has_workplace: ClassVar[bool] = True

    def check(self, values: Mapping[str, Sequence[Any]]) -> None:
        """See `TaskKind.check`. Raises: SettingError as well for code and files of one's own: a task names no path and runs no plan's code."""
        super().check(values)
        if own := next((name for name in _OF_THE_PLAN if name in values), None):
            instead = "the seeds" if own == "seed" else "the device"
            raise SettingError(
                f"{self.mark}: expected no {own} among the settings; got one: {instead} of the plan say it"
            )
        for each in self.chosen(values):
            settings = TrainSettings(**each)
            if settings.names_own_code or settings.from_file:
                raise SettingError(
                    f"{self.mark}: expected a registered task and network, and fresh weights; got code or a file of one's own: "
                    "`sparselab train` runs those"
                )

    def chosen(self, values: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
        """See `TaskKind.chosen`. One thread where no number is told: the number changes the rounding, and must not be the machine's."""
        return [{**each, "threads": each["threads"] or 1} for each in super().chosen(values)]

    def compute(self, task: Task, place: Place, workplace: str, monitor: Monitor) -> dict[str, Any]:
        """See `TaskKind.compute`. It runs in a process of its own, whose threads are set before torch starts."""
        assert isinstance(place, DataPlace)
        asked = task[self.mark]
        settings = read_settings({**asked["settings"], "seed": asked["seed"], "device": asked["device"]})
        told = asdict(settings), workplace, place.folder
        limits = Limits(threads=settings.threads)
        found: dict[str, Any] = run_isolated(carry_out, *told, limits=limits, imports=("torch",), monitor=monitor)
        return found

    def is_whole(self, told: Result) -> bool:
        """See `TaskKind.is_whole`."""
        asked, result = told["task"][self.mark], told.get("result")
        found = [*asked["settings"].values(), asked["seed"]]
        if result is None:
            found.append(told["error"] if "error" in told else told["failure"])
        else:
            found += _flat(result["levels"])
            found += [each["level"] for level in result["levels"] for each in (level, *level["then"])]
        return are_plain(found)

    def columns(self, plan: Swept) -> tuple[str, ...]:
        """See `TaskKind.columns`. branch: the transform of a level's ticket, empty for the ticket itself."""
        return (*plan.settings, "seed", "branch", *_NUMBERS, "error", "task")

    def rows(
        self, plan: Swept, results: Iterable[tuple[str, Result]], figures: Mapping[str, Sequence[Result]]
    ) -> list[Row]:
        """Return a row for every level of every run, and for what became of its ticket."""
        told_of = dict(results)
        found: list[Row] = []
        for point in plan.points():
            told = told_of.get(point.digest)
            if told is None:
                continue
            asked = told["task"][self.mark]
            own = {
                **{name: asked["settings"].get(name) for name in plan.settings},
                "seed": asked["seed"],
                "task": point.digest,
            }
            if "result" not in told:
                found.append({**own, "error": told.get("error", told.get("failure"))})
                continue
            for level in told["result"]["levels"]:
                found.append({**own, **_numbers(level), "branch": ""})
                found += [{**own, **_numbers(each), "branch": each.get("label", "")} for each in level["then"]]
        return found


def carry_out(
    settings: Mapping[str, Any], folder: str, data: str | None, *, monitor: Monitor = SILENT
) -> dict[str, Any]:
    """Train in a folder from where it stands to the end, in a process of its own; return what came of it."""
    from sparselab.training.runs.run import train  # loads torch

    where = None if data is None else Path(data)
    train(read_settings(settings), Path(folder), resume=True, data=where, monitor=monitor)
    view = read_run(Path(folder))
    return {"result": {"levels": view.document()["levels"]}, "seconds": {"training": round(view.seconds, 3)}}


def _numbers(entry: Mapping[str, Any]) -> Row:
    return {name: value for name, value in entry.items() if name in _NUMBERS}


def _flat(value: Any) -> list[Any]:
    if isinstance(value, Mapping | list):
        parts = value.values() if isinstance(value, Mapping) else value
        return [each for part in parts for each in _flat(part)]
    return [value]
