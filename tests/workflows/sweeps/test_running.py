"""A sweep's results are the same files, byte for byte, whoever computes them, in which order, and wherever it was stopped."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sparselab.core.errors import LimitError, SettingError
from sparselab.formats import ReadOptions
from sparselab.runtime.results import ResultStore
from sparselab.workflows.stored_sweep import stored_sweep_row
from sparselab.workflows.sweeps.compute import arguments_of, compute
from sparselab.workflows.sweeps.executors import EXECUTORS, Executor, Outcomes
from sparselab.workflows.sweeps.folder import SweepFolder
from sparselab.workflows.sweeps.plan import Plan
from sparselab.workflows.sweeps.point import PlannedPoint
from sparselab.workflows.sweeps.running import Shard, run_sweep, standing_of
from sparselab.workflows.sweeps.standing import Origins, Standing
from sparselab.workflows.sweeps.table import rows_of
from tests.workflows.sweeps.clusters import cluster
from tests.workflows.sweeps.small import digests, inline, results_of, small_plan, write_file


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> tuple[Plan, dict[str, bytes]]:
    """A plan, and the results of one run."""
    folder = tmp_path_factory.mktemp("once")
    plan = small_plan(folder)
    standing = run_sweep(plan, SweepFolder(folder / "out"), inline)
    assert (standing.left, standing.failed) == (0, 4), "score=l1 of a mask alone"
    return plan, results_of(folder / "out")


WHERE = {"embedded": lambda: nullcontext("1"), "dask": cluster}


@pytest.mark.parametrize("name", EXECUTORS)
def test_every_executor_comes_to_the_same_files(name: str, once: tuple[Plan, dict[str, bytes]], tmp_path: Path) -> None:
    plan, results = once
    with WHERE[name]() as where:
        run_sweep(plan, SweepFolder(tmp_path), EXECUTORS[name](str(where)))
    assert results_of(tmp_path) == results


@settings(max_examples=25)
@given(order=st.permutations([1, 2, 3]), stops=st.lists(st.integers(0, 5), min_size=3, max_size=3))
def test_shards_in_any_order_stopped_anywhere_and_run_again(
    order: list[int],
    stops: list[int],
    once: tuple[Plan, dict[str, bytes]],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    plan, results = once
    folder = SweepFolder(tmp_path_factory.mktemp("shards"))

    def again(points: Iterable[PlannedPoint]) -> Outcomes:
        yield from ((point, json.loads(results[f"{point.digest}.json"])) for point in points)

    def stopped(after: int) -> Executor:
        return lambda points: itertools.islice(again(points), after)

    for number, after in zip(order, stops, strict=True):
        before = standing_of(plan, folder, Shard(number, 3))
        found = run_sweep(plan, folder, stopped(after), shard=Shard(number, 3))
        assert with_result(found) == found.origins.computed + found.origins.before
        assert (found.origins.before, found.origins.cached) == (with_result(before), 0)
    for number in (*order, order[0]):
        assert run_sweep(plan, folder, again, shard=Shard(number, 3)).left == 0
    assert standing_of(plan, folder).origins == Origins(computed=20)
    assert results_of(folder.path) == results
    assert not list((folder.path / "failed").iterdir())


def with_result(standing: Standing) -> int:
    return standing.done - standing.failed


def test_what_a_killed_run_waited_for_is_not_said_for_ever(tmp_path: Path) -> None:
    folder = SweepFolder(tmp_path)
    assert folder.waiting() == ""
    folder.tell_waiting("no workers")
    assert folder.waiting() == "no workers"
    (note,) = (tmp_path / "waiting").iterdir()
    os.utime(note, (time.time() - 3600,) * 2)
    assert folder.waiting() == ""
    note.write_bytes(b"\xff\n" * 10**6)
    assert 0 < len(folder.waiting()) <= 1000


@given(count=st.integers(1, 20))
def test_shards_share_no_point_and_have_them_all(count: int, once: tuple[Plan, dict[str, bytes]]) -> None:
    plan, _ = once
    parts = [digests(Shard(number, count).of(plan)) for number in range(1, count + 1)]
    assert sorted(itertools.chain(*parts)) == sorted(digests(plan.points()))


def test_a_run_killed_in_the_middle_goes_on_and_leaves_no_process(
    once: tuple[Plan, dict[str, bytes]], tmp_path: Path
) -> None:
    plan, results = once
    (tmp_path / "plan.json").write_text(plan.text())
    out = tmp_path / "out"
    command = [
        sys.executable,
        "-m",
        "sparselab",
        "sweep",
        str(tmp_path / "plan.json"),
        "--out",
        str(out),
        "--jobs",
        "1",
    ]
    run = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    while not (out / "results").is_dir() or not results_of(out):
        assert run.poll() is None
        time.sleep(0.01)
    children = psutil.Process(run.pid).children()
    run.kill()
    run.wait()
    found = results_of(out)
    assert len(found) > 0
    assert found.items() <= results.items()
    run_sweep(plan, SweepFolder(out), inline)
    assert results_of(out) == results
    _, alive = psutil.wait_procs(children, timeout=20)
    assert not alive


def test_equal_layers_are_computed_once_and_have_a_row_each(tmp_path: Path) -> None:
    kept = np.random.default_rng(0).random((16, 24)) < 0.3
    np.savez(tmp_path / "net.npz", one=kept, two=kept)
    plan = small_plan_of(tmp_path / "net.npz", {"regroup": {"rows_per_group": (4, 8)}})
    folder = SweepFolder(tmp_path / "out")
    assert run_sweep(plan, folder, inline).total == 2
    assert [(row["layer"], row["rows_per_group"]) for row in rows_of(plan, folder.read())] == [
        *(("one", rows) for rows in (4, 8)),
        *(("two", rows) for rows in (4, 8)),
    ]


def small_plan_of(path: Path, transforms: dict, **changes: object) -> Plan:
    from sparselab.formats import read_ticket
    from sparselab.workflows.sweeps.outline import Outline, files_at, plan_of

    return plan_of(Outline(files_at(path, ReadOptions()), transforms, **changes), read_ticket, print)  # type: ignore[arg-type]


def test_a_file_that_changed_is_said_and_is_no_result(tmp_path: Path) -> None:
    plan = small_plan(tmp_path)
    np.savez(tmp_path / "net.npz", fc0=np.eye(24, 32, dtype=bool), fc1=np.eye(24, 32, dtype=bool))
    folder = SweepFolder(tmp_path / "out")
    standing = run_sweep(plan, folder, inline)
    assert standing.failed == standing.total
    assert not results_of(folder.path)
    reasons = {told["failure"] for _, told in folder.read()}
    assert all("expected the layer that was planned" in reason for reason in reasons)
    write_file(tmp_path / "net.npz")
    assert run_sweep(plan, folder, inline).failed == standing.total, "not again before it is asked for"
    assert run_sweep(plan, folder, inline, retry_failed=True).failed == 4
    assert standing_of(plan, folder).failed == 4


def test_what_a_machine_could_not_do_is_no_result(tmp_path: Path) -> None:
    plan, folder = small_plan(tmp_path), SweepFolder(tmp_path / "out")

    def small_machine(points: Iterable[PlannedPoint]) -> Outcomes:
        yield from ((point, LimitError("no memory")) for point in points)

    run_sweep(plan, folder, small_machine, shard=Shard(1, 2))
    assert not results_of(folder.path)
    assert run_sweep(plan, folder, inline, retry_failed=True, shard=Shard(2, 2)).left == 0
    assert {told["failure"] for _, told in folder.read() if "failure" in told} == {"no memory"}


def test_a_search_that_a_clock_ends_is_no_result(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    point = next(
        small_plan_of(write_file(tmp_path / "a.npz"), {"regroup": {"refine": (True,), "rows_per_group": (4,)}}).points()
    )
    assert "refine_seconds" not in point.task["a point of a sweep"]["settings"]
    assert "result" in compute(*arguments_of(point))
    monkeypatch.setattr("sparselab.core.layout.Layout.is_cut_short", property(lambda _self: True))
    with pytest.raises(LimitError, match="set fewer steps"):
        compute(*arguments_of(point))


def test_pages_and_sweeps_find_what_the_other_computed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, store = write_file(tmp_path / "net.npz", layers=1), ResultStore(tmp_path / "store")
    plan = small_plan_of(path, {"regroup": {"rows_per_group": (4, 8)}}, with_chance=True)
    of_page = [
        stored_sweep_row(str(path), "fc0", "regroup", {"rows_per_group": rows}, 0, ReadOptions(), str(store.folder))
        for rows in (4, 8)
    ]

    def idle(points: Iterable[PlannedPoint]) -> Outcomes:
        assert not list(points), "all was found"
        return iter(())

    found = run_sweep(plan, SweepFolder(tmp_path / "found"), idle, store=store)
    computed = run_sweep(plan, SweepFolder(tmp_path / "computed"), inline)
    assert (found.origins, computed.origins) == (Origins(cached=2), Origins(computed=2))
    for standing, where in ((found, "found"), (computed, "computed")):
        assert standing_of(plan, SweepFolder(tmp_path / where)).origins == standing.origins
    assert results_of(tmp_path / "found") == results_of(tmp_path / "computed")
    shutil.rmtree(store.folder)
    run_sweep(plan, SweepFolder(tmp_path / "again"), inline, store=store)
    monkeypatch.setattr("sparselab.workflows.stored_sweep.sweep_row", None)
    for rows, told in zip((4, 8), of_page, strict=True):
        found = stored_sweep_row(
            str(path),
            "fc0",
            "regroup",
            {"rows_per_group": rows, "refine_seconds": 3.0},
            0,
            ReadOptions(),
            str(store.folder),
        )
        assert found["chance"] == told["chance"]
        assert {**found["report"], "seconds": {}} == {**told["report"], "seconds": {}}


def test_another_sweep_is_not_mixed_in(tmp_path: Path) -> None:
    plan, folder = small_plan(tmp_path), SweepFolder(tmp_path / "out")
    folder.begin(plan)
    folder.begin(plan)
    with pytest.raises(SettingError, match="another plan"):
        folder.begin(small_plan(tmp_path, seeds=(7,)))


def test_a_sweep_of_another_version_is_still_shown_and_not_gone_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, folder = small_plan(tmp_path), SweepFolder(tmp_path / "out")
    before = run_sweep(plan, folder, inline)
    for place in ("sparselab.runtime.results", "sparselab.workflows.sweeps.folder"):
        monkeypatch.setattr(f"{place}.code_digest", lambda: "other code")
    now = standing_of(plan, folder)
    assert (now.done, now.failed, now.total) == (before.done, before.failed, before.total)
    with pytest.raises(SettingError, match="install that one, or plan anew"):
        run_sweep(plan, folder, inline)


def test_results_tell_nothing_of_this_machine(once: tuple[Plan, dict[str, bytes]]) -> None:
    plan, results = once
    for content in results.values():
        told = json.loads(content)
        assert not {"seconds", "host", "at", "path", "file"} & set(
            json.dumps(told).replace('"', " ").replace(":", " ").split()
        )
        assert str(Path(plan.files[0].path).parent) not in content.decode()
