"""The latency of kernels on a layer under a transform: measured by one task a machine at a time, and no other task beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
from annotated_types import Interval
from typing_extensions import Doc

from sparselab.analysis.metrics import report
from sparselab.benchmarking.measurement import ROUNDS, SECONDS
from sparselab.benchmarking.records import ROW_KEYS
from sparselab.benchmarking.requests import Effort, MeasurementRequest, measure_isolated
from sparselab.benchmarking.statistics import FEWEST_ROUNDS
from sparselab.core.errors import LimitError, SettingError
from sparselab.core.settings import OneOf, check_settings
from sparselab.kernels import KERNELS
from sparselab.kernels.base import DTYPES
from sparselab.runtime.progress import Monitor
from sparselab.workflows.sweeps.kinds.base import Result, Row, Swept, TaskKind, are_plain, planned_layer
from sparselab.workflows.sweeps.kinds.transform import WHERE, placed, swept_settings, without_clock
from sparselab.workflows.sweeps.point import LayerPlace, Place, Task

_SHOWN = tuple(name for name in ROW_KEYS if name not in ("kernel", "interval", "flags"))
_MEASURED = ("kernel", *_SHOWN, "low", "high", "flags", "host", "at")
_RESULT = ("coverage", "energy", "density_after", "mask_after")


@dataclass(frozen=True)
class TimingSettings:
    """What is measured, and how."""

    positions: Annotated[int, Interval(ge=1, le=2**24), Doc("columns of the input X of the product W X")] = 1024
    dtype: Annotated[str, OneOf(DTYPES), Doc("the arithmetic")] = "float32"
    threads: Annotated[int | None, Interval(ge=1, le=256), Doc("CPU threads; none: the choice of torch")] = None
    backward: Annotated[bool, Doc("whole training steps: the output and both gradients")] = False
    kernels: Annotated[
        str, Doc("names of kernels with +, such as csr+gather-gemm; empty: all that can run the layer")
    ] = ""
    rounds: Annotated[int, Interval(ge=FEWEST_ROUNDS, le=100_000), Doc("largest number of rounds")] = ROUNDS
    seconds: Annotated[float, Interval(gt=0.0, le=3600.0), Doc("approximate time for the rounds")] = SECONDS

    def __post_init__(self) -> None:
        check_settings(self)
        if strange := next((name for name in self.kernel_names or () if name not in KERNELS), None):
            raise SettingError(f"kernels: expected names such as {', '.join(list(KERNELS)[:3])}; got {strange!r}")

    @property
    def kernel_names(self) -> tuple[str, ...] | None:
        """The kernels, None for all."""
        return tuple(self.kernels.split("+")) if self.kernels else None


class TimingKind(TaskKind):
    """Its result: what the layout keeps, and the digest of its mask. Its figures: the session, as `sparselab bench` stores it."""

    mark: ClassVar[str] = "a timing"
    settings: ClassVar[type | None] = TimingSettings
    resource: ClassVar[str] = "timing"

    def compute(self, task: Task, place: Place, workplace: str, monitor: Monitor) -> dict[str, Any]:
        """See `TaskKind.compute`. The session is kept among this machine's latencies as well."""
        assert isinstance(place, LayerPlace)
        asked, layer = task[self.mark], planned_layer(task, place)
        how = TimingSettings(**asked["timing"])
        run = without_clock(asked["transform"], asked["settings"])
        layout = run(layer, rng=np.random.default_rng(asked["seed"]), device=asked["device"], monitor=monitor)
        if layout.is_cut_short:
            raise LimitError("expected a search that its steps end; the clock ended it: set fewer steps")
        request = MeasurementRequest(
            path=place.path,
            layer=place.layer,
            options=place.options,
            layout=layout.pack(),
            positions=how.positions,
            dtype=how.dtype,
            device=asked["device"],
            kernels=how.kernel_names,
            backward=how.backward,
            about={"layer": place.layer, "transform": asked["transform"], "settings": _in_words(asked["settings"])},
            effort=Effort(rounds=how.rounds, seconds=how.seconds, threads=how.threads, seed=asked["seed"]),
        )
        session = measure_isolated(request, monitor=monitor).session
        told = report(layout, layer).as_json()
        seconds = told.pop("seconds")
        result = {**{name: told.get(name) for name in _RESULT}, "mask_after": layout.after.digest}
        return {"result": result, "seconds": seconds, "figures": session.as_json()}

    def is_whole(self, told: Result) -> bool:
        """See `TaskKind.is_whole`."""
        asked, result = told["task"][self.mark], told.get("result")
        found = [*asked["settings"].values(), *asked["timing"].values(), asked["seed"]]
        found += [told["error"] if "error" in told else told["failure"]] if result is None else result.values()
        return isinstance(told["task"]["layer"], str) and isinstance(asked["transform"], str) and are_plain(found)

    def columns(self, plan: Swept) -> tuple[str, ...]:
        """See `TaskKind.columns`."""
        settings = dict.fromkeys((*swept_settings(plan), "seed", *plan.settings))
        return (*WHERE, *settings, *_RESULT, *_MEASURED, "error", "task")

    def rows(
        self, plan: Swept, results: Iterable[tuple[str, Result]], figures: Mapping[str, Sequence[Result]]
    ) -> list[Row]:
        """Return a row for every layer, point, measurement of it, and kernel."""
        found: list[Row] = []
        for row, told in placed(plan, results, self.mark):
            own = {**row, **{name: told["task"][self.mark]["timing"].get(name) for name in plan.settings}}
            if "result" not in told:
                found.append({**own, "error": told.get("error", told.get("failure"))})
                continue
            own |= {name: told["result"].get(name) for name in _RESULT}
            lines = figures.get(row["task"], ())
            found += [{**own, **measured} for line in lines for measured in _measured(line)] or [own]
        return found


def _measured(line: Result) -> list[Row]:
    """Return a row for each kernel of what a line of the file of times says."""
    where = {"host": line.get("host"), "at": line.get("at")}
    found = []
    for row in line["figures"]["rows"]:
        low, high = row.get("interval") or (None, None)
        told = {"kernel": row.get("kernel"), **{name: row.get(name) for name in _SHOWN}}
        found.append({**told, "low": low, "high": high, "flags": " ".join(row.get("flags") or ()), **where})
    return found


def _in_words(settings: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in settings.items())
