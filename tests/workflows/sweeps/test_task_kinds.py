"""Every kind of task: its results hold what task and version determine; a training that was stopped goes on and comes to the same."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sparselab.benchmarking.records import Row, Session
from sparselab.benchmarking.requests import Measured
from sparselab.core.errors import SparselabError, UnavailableError
from sparselab.formats import read_ticket
from sparselab.formats.limited import limits_of
from sparselab.runtime.pipes import Limits
from sparselab.runtime.progress import Monitor
from sparselab.workflows.sweeps.compute import arguments_of, compute
from sparselab.workflows.sweeps.folder import SweepFolder
from sparselab.workflows.sweeps.kinds import KINDS, timing, training
from sparselab.workflows.sweeps.on_dask import check_resource
from sparselab.workflows.sweeps.outline import plan_of
from sparselab.workflows.sweeps.plan import Plan
from sparselab.workflows.sweeps.plan_file import outline_in, read_plan, read_whole_plan
from sparselab.workflows.sweeps.running import run_sweep
from sparselab.workflows.sweeps.table import columns_of, rows_in
from sparselab.workflows.sweeps.table_file import table_in
from tests.workflows.sweeps.small import inline, results_of, write_file

TINY = {
    "method": ["imp"],
    "levels": [1],
    "epochs": [2],
    "width": [0.25],
    "batch": [32],
    "then": ["refill"],
    "task_settings": ["train=64,validation=16,test=16,canvas=12"],
}
OF_LAYERS = {"files": ["net.npz"], "transforms": {"regroup": {"rows_per_group": [4, 8]}}}
PLANS: dict[str, dict[str, Any]] = {
    "transform": OF_LAYERS,
    "timing": {**OF_LAYERS, "settings": {"positions": [8, 16], "kernels": ["csr"]}},
    "training": {"settings": TINY, "seeds": [3]},
}


def planned(kind: str, folder: Path) -> Plan:
    write_file(folder / "net.npz", layers=1)
    (folder / "mine.json").write_text(json.dumps({"sparselab_sweep": 1, "kind": kind, **PLANS[kind]}))
    return plan_of(read_plan(folder / "mine.json"), read_ticket, print)


@pytest.fixture
def near(monkeypatch: pytest.MonkeyPatch) -> None:
    """What runs in processes of its own runs here; nothing is measured, and no two measurements say the same."""

    def measured(request: Any, **_: Any) -> Measured:
        row = Row("csr", median_ms=time.perf_counter(), rounds=9)
        sizes = {"shape": (24, 32), "input_shape": (32, request.positions), "positions": request.positions}
        told = {"dtype": request.dtype, "threads": 1, "density": 0.1, "date": "today"}
        return Measured(session=Session(rows=(row,), **sizes, **told))

    def here(function: Any, *told: Any, **rest: Any) -> Any:
        return json.loads(json.dumps(function(*told, monitor=rest["monitor"])))

    monkeypatch.setattr("sparselab.workflows.sweeps.compute.socket", SimpleNamespace(gethostname=lambda: "node7"))
    monkeypatch.setattr(timing, "measure_isolated", measured)
    monkeypatch.setattr(training, "run_isolated", here)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.usefixtures("near")
def test_results_of_every_kind_are_what_the_task_determines_and_no_more(kind: str, tmp_path: Path) -> None:
    plan = planned(kind, tmp_path)
    folders = [SweepFolder(tmp_path / name) for name in ("one", "other")]
    for folder in folders:
        standing = run_sweep(plan, folder, inline)
        assert (standing.failed, standing.left, standing.total) == (0, 0, len(list(plan.points())))
    assert results_of(folders[0].path) == results_of(folders[1].path)
    assert read_whole_plan(folders[0].plan_path) == plan
    assert dict(folders[0].read()).keys() == {point.digest for point in plan.points()}, "all can be read again"
    rows = rows_in(plan, folders[0])
    assert {row["task"] for row in rows} == {point.digest for point in plan.points()}
    assert {name for row in rows for name in row} <= set(columns_of(plan))
    figures = [told for listed in folders[0].figures().values() for told in listed]
    assert bool(figures) == bool(KINDS[kind].resource)
    assert all(told["host"] == "node7" for told in figures), "the machine that measured, not the one that writes"
    if kind != "transform":
        with pytest.raises(SparselabError, match="--collect"):
            table_in(folders[0].path)


@pytest.mark.usefixtures("near")
def test_a_training_that_was_stopped_anywhere_goes_on_and_comes_to_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed with its sweep it does as well: tests/long/killed_trainings.py."""
    plan, out = planned("training", tmp_path), SweepFolder(tmp_path / "out")
    looks = 0

    def die(_progress: Any) -> None:
        nonlocal looks
        looks += 1
        if looks % 5 == 0:
            raise RuntimeError("killed")

    def dying(function: Any, *told: Any, **_: Any) -> Any:
        return json.loads(json.dumps(function(*told, monitor=Monitor(die))))

    with monkeypatch.context() as patch:
        patch.setattr(training, "run_isolated", dying)
        for _ in range(2):
            assert run_sweep(plan, out, inline, retry_failed=True).failed == 1
    assert [told["failure"] for _, told in out.read()] == ["killed"]
    assert run_sweep(plan, out, inline, retry_failed=True).failed == 0
    run_sweep(plan, SweepFolder(tmp_path / "whole"), inline)
    assert results_of(out.path) == results_of(tmp_path / "whole")


def test_a_machine_is_shared_by_no_two_tasks_of_a_cluster_that_need_it() -> None:
    one = {"a:1": {"host": "a", "resources": {"timing": 1}}, "a:2": {"host": "a", "resources": {}}}
    check_resource("timing", {**one, "b:1": {"host": "b", "resources": {"timing": 1}}})
    for workers in (
        {},
        {"a:2": one["a:2"]},
        {**one, "a:3": one["a:1"]},
        {"a:1": {"host": "a", "resources": {"timing": 2}}},
    ):
        with pytest.raises(UnavailableError, match="--resources"):
            check_resource("timing", workers)


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ({"kind": "baking", **OF_LAYERS}, "kind: expected one of transform"),
        ({"kind": "training", "settings": {"task": ["mine.py:Task"]}}, "code or a file of one's own"),
        ({"kind": "training", "settings": {"from_file": ["/etc/passwd"]}}, "code or a file of one's own"),
        ({"kind": "training", "settings": {"seed": [1]}}, "the seeds of the plan"),
        ({"kind": "training", "settings": {"colour": [1]}}, "got 'colour'"),
        ({"kind": "training", "transforms": {"regroup": {}}}, "without transforms"),
        ({"kind": "training", "settings": {}, "files": ["net.npz"]}, "without files"),
        ({"kind": "timing", "settings": {"kernels": ["fast"]}, **OF_LAYERS}, "got 'fast'"),
        ({"kind": "timing", "chance": True, **OF_LAYERS}, "expected no chance"),
        ({"settings": {"positions": [8]}, **OF_LAYERS}, "got 'positions'"),
    ],
)
def test_what_a_kind_does_not_take_is_said(told: dict[str, Any], says: str, tmp_path: Path) -> None:
    write_file(tmp_path / "net.npz")
    with pytest.raises(SparselabError, match=says):
        plan_of(outline_in(json.dumps({"sparselab_sweep": 1, **told}).encode(), tmp_path, "p"), read_ticket, print)


def test_a_layer_is_read_within_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    point = next(planned("transform", tmp_path).points())
    within: list[Limits] = []

    def watched(read: Callable[[], Any], limits: Limits) -> Any:
        within.append(limits)
        return read()

    monkeypatch.setattr("sparselab.workflows.sweeps.kinds.base.bounded", watched)
    assert "result" in compute(*arguments_of(point))
    assert within == [limits_of(tmp_path / "net.npz")]
