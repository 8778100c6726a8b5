"""The page Sweeps: the example, a sweep's folder while it runs, what a visitor brings, and the command of a plan."""

from __future__ import annotations

import io
import shlex
import zipfile
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from sparselab.app.sweeps import results
from sparselab.app.sweeps.lines import MOST_CHARTS, charts_of, filtered, values_of, varying
from sparselab.app.sweeps.missing import without_chart
from sparselab.cli import main
from sparselab.core.data_files import SWEEP_EXAMPLE
from sparselab.core.errors import FileError
from sparselab.formats import ReadOptions, read_ticket
from sparselab.workflows.sweeps.folder import SweepFolder
from sparselab.workflows.sweeps.outline import Outline, files_at, plan_of
from sparselab.workflows.sweeps.plan_file import read_whole_plan
from sparselab.workflows.sweeps.running import Shard, run_sweep
from sparselab.workflows.sweeps.table import rows_of, write_csv
from sparselab.workflows.sweeps.table_file import table_in
from tests.browsing import PATIENCE_S
from tests.workflows.sweeps.small import inline, small_plan, write_file

ROOT = Path(__file__).resolve().parents[3]
SAMPLE = ROOT / "sample_masks" / "vgg-digits-imp-90.npz"


def opened(**query: str) -> AppTest:
    at = AppTest.from_file(str(ROOT / "pages" / "sweeps.py"), default_timeout=PATIENCE_S)
    for key, value in query.items():
        at.query_params[key] = value
    return at.run()


def said(at: AppTest) -> str:
    assert not at.exception
    return " ".join(item.value for kind in (at.info, at.error, at.caption, at.success, at.warning) for item in kind)


def drawn(at: AppTest) -> int:
    return len(at.get("plotly_chart"))


@pytest.mark.skipif(not SAMPLE.exists(), reason="no sample masks")
def test_the_example_is_what_the_package_computes() -> None:
    table = table_in(SWEEP_EXAMPLE)
    files = files_at(SAMPLE, ReadOptions(), ("features.15.weight",))
    values = {"rows_per_group": (16,), "density": (0.1,)}
    plan = plan_of(Outline(files, {"regroup": values}, with_chance=True), read_ticket, print)
    ((point, outcome),) = inline(plan.points())
    assert not isinstance(outcome, Exception)
    (fresh,) = rows_of(plan, [(point.digest, {"task": point.task, **outcome})])
    (stored,) = (
        row for row in table.rows if all(row[name] == fresh[name] for name in ("layer", "rows_per_group", "density"))
    )
    for name in ("coverage", "energy", "random_mean", "gain", "blocks", "density_after", "draws"):
        assert stored[name] == pytest.approx(fresh[name], abs=1e-9), name


def test_at_first_the_example_is_shown_and_said_to_be_one() -> None:
    at = opened()
    assert "An example" in said(at)
    assert drawn(at) == 1
    assert at.dataframe[0].value.shape[0] == len(table_in(SWEEP_EXAMPLE).rows)


def test_filters_and_charts_take_every_row_once() -> None:
    table = table_in(SWEEP_EXAMPLE)
    among = varying(table)
    assert among == ("layer", "rows_per_group", "density")
    for column in ("layer", "rows_per_group"):
        charts = charts_of(table.rows, column, among, "coverage")
        assert sum(len(rows) for lines in charts.values() for rows in lines.values()) == len(table.rows)
        for lines in charts.values():
            for rows in lines.values():
                assert [row["density_after"] for row in rows] == sorted(row["density_after"] for row in rows)
    some = filtered(table.rows, {"layer": ["features.4.weight"], "rows_per_group": []})
    assert {row["layer"] for row in some} == {"features.4.weight"}
    assert len(some) == len(table.rows) // 4


def test_a_sweep_that_runs_is_watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPARSELAB_ROOTS", str(tmp_path))
    plan, folder = small_plan(tmp_path), SweepFolder(tmp_path / "out")
    run_sweep(plan, folder, inline, shard=Shard(1, 2))
    folder.tell_waiting("no workers on tcp://127.0.0.1:1")
    monkeypatch.setattr(results, "pause", lambda _seconds: st.stop())
    assert "It waits: no workers on tcp://127.0.0.1:1" in said(opened(sweep_folder=str(folder.path))).replace("\\", "")
    looks: list[float] = []

    def go_on(seconds: float) -> None:
        looks.append(seconds)
        if len(looks) == 2:
            run_sweep(plan, folder, inline)

    monkeypatch.setattr(results, "pause", go_on)
    at = opened(sweep_folder=str(folder.path))
    assert "Finished: 20 of 24 points have a result (20 computed), 4 failed" in said(at)
    assert len(looks) == 2
    assert drawn(at) == 1
    assert "4 without a result, with the reason" in said(at)


def test_every_value_has_a_chart_or_a_reason(tmp_path: Path) -> None:
    """Layers that failed, have no energy, are not done yet, or are beyond the most charts; what the filters leave out is not named."""
    plan, folder = small_plan(tmp_path, transforms={"refill": {"score": ("l1",)}}), SweepFolder(tmp_path / "out")
    run_sweep(plan, folder, inline, shard=Shard(1, 4))
    table = table_in(folder.path)
    assert [row["layer"] for row in table.rows] == ["fc0"]
    told = without_chart(table, table.rows, "layer", "coverage", [])
    assert (
        told
        == "No chart for fc0: score=l1 needs weights, and the layer is a mask alone: use score=count. No chart for fc1: none of its points is done yet."
    )
    example = table_in(SWEEP_EXAMPLE)
    layers = values_of(example.rows, "layer")
    assert without_chart(example, example.rows, "layer", "coverage", layers) == ""
    assert (
        without_chart(
            example, [row for row in example.rows if row["layer"] == layers[0]], "layer", "coverage", layers[:1]
        )
        == ""
    )
    assert without_chart(example, example.rows, "layer", "coverage", layers[:2]) == (
        f"No chart for {layers[2]}, {layers[3]}: {MOST_CHARTS} charts are drawn at most; the filters choose others."
    )
    bare = [{**row, "energy": None} for row in example.rows]
    assert without_chart(example, bare, "layer", "energy", []).startswith(
        f"No chart for {', '.join(layers)}: it is a mask without"
    )
    many = [{"layer": f"layer{n}", "error": f"failed {n}"} for n in range(1000)]
    assert without_chart(example, many, "layer", "coverage", []).endswith("996 more have none, for other reasons.")


@pytest.mark.parametrize("kind", ["csv", "zip"])
def test_what_a_visitor_brings_is_the_table_of_the_folder(kind: str, tmp_path: Path) -> None:
    plan, folder = small_plan(tmp_path), SweepFolder(tmp_path / "out")
    run_sweep(plan, folder, inline)
    rows = rows_of(plan, folder.read())
    write_csv(plan, rows, tmp_path / "results.csv")
    content = (tmp_path / "results.csv").read_bytes()
    if kind == "zip":
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in (path for path in folder.path.rglob("*") if path.is_file()):
                archive.write(path, f"out/{path.relative_to(folder.path)}")
        content = packed.getvalue()
    at = opened()
    at.file_uploader[0].upload(f"results.{kind}", content).run()
    assert "An example" not in said(at)
    assert at.dataframe[0].value.shape[0] == len(rows)
    (tmp_path / "brought").write_bytes(content)
    table = table_in(tmp_path / "brought")
    for brought, made in zip(table.rows, rows, strict=True):
        assert {name: brought.get(name) or None for name in table.columns} == {
            name: made.get(name) or None for name in table.columns
        }


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", b"PK\x03\x04nonsense", b"\xff\xfe", b'"', b"layer\n" * 3])
def test_another_file_is_said_in_a_sentence(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "other.csv").write_bytes(content)
    with pytest.raises(FileError, match="expected"):
        table_in(tmp_path / "other.csv")


def test_a_folder_elsewhere_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine").mkdir()
    monkeypatch.setenv("SPARSELAB_ROOTS", str(tmp_path / "mine"))
    at = opened(sweep_folder="/etc")
    assert "expected a path under" in at.error[0].value
    assert tmp_path.name not in at.error[0].value.replace("\\", "")
    at = opened(sweep_folder=str(tmp_path / "mine"))
    assert "plan.json" in at.error[0].value.replace("\\", "")


def test_the_command_of_a_plan_makes_that_plan(tmp_path: Path) -> None:
    path = write_file(tmp_path / "a net.npz")
    at = opened(sweeps_tab="plan")
    at.text_input(key="_plan_file").set_value(str(path)).run()
    at.multiselect(key="_plan_transforms").set_value(["regroup", "shuffled-blocks"]).run()
    at.multiselect(key="_plan_grouper").set_value(["natural"]).run()
    at.multiselect(key="_plan_block_size").set_value(["8"]).run()
    at.text_input(key="_plan_seeds").set_value("0,1").run()
    command = at.code[0].value
    assert main([*shlex.split(command)[1:-2], "--write-plan", str(tmp_path / "plan.json")]) == 0
    plan = read_whole_plan(tmp_path / "plan.json")
    assert plan.transforms == {
        "regroup": {"grouper": ("natural",), "rows_per_group": (16, 32), "density": (0.05, 0.1, 0.2)},
        "shuffled-blocks": {"grouper": ("natural",), "block_size": (8,), "density": (0.05, 0.1, 0.2)},
    }
    assert plan.seeds == (0, 1)
    points = sum(1 for _ in plan.points()) // 2
    assert f"{points} points a layer" in said(at)
