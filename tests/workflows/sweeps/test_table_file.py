"""A table that a stranger brings: whatever its numbers are, what is read can be drawn, and what takes too long is refused."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from sparselab.core.errors import FileError, SparselabError
from sparselab.workflows.sweeps import table_file
from sparselab.workflows.sweeps.folder import SweepFolder
from sparselab.workflows.sweeps.plan_file import read_whole_plan
from sparselab.workflows.sweeps.running import run_sweep
from sparselab.workflows.sweeps.table_file import copy_table, table_in
from tests.workflows.sweeps.small import inline, small_plan

BAD = ("abc", [1], {"a": 1}, 10**4000, -(10**400), float("nan"), float("inf"))
WORDS = ("file", "layer", "transform", "measure", "status", "reason", "error", "task")


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> SweepFolder:
    place = tmp_path_factory.mktemp("sweep")
    folder = SweepFolder(place / "out")
    run_sweep(small_plan(place), folder, inline)
    return folder


def packed(sweep: SweepFolder, path: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    """A zip of the sweep in which each result was changed."""
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(sweep.path.rglob("*.json")):
            told = json.loads(file.read_text())
            if "result" in told:
                change(told)
            archive.writestr(str(file.relative_to(sweep.path)), json.dumps(told))
    return path


def numbers(sweep: SweepFolder) -> list[str]:
    told = next(told for _, told in sweep.read() if "result" in told)
    return [name for name, value in told["result"]["report"].items() if isinstance(value, float | int)]


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: str(bad)[:8])
def test_numbers_that_are_none_are_said_or_left_out(sweep: SweepFolder, tmp_path: Path, bad: Any) -> None:
    for name in (*numbers(sweep), "seed", "layer", "chance"):

        def change(told: dict[str, Any], name: str = name) -> None:
            if name == "chance":
                told["result"]["chance"] = {"mean": bad, "low": 0.1, "high": 0.2, "draws": 8}
            elif name == "layer":
                told["task"]["layer"] = bad
            elif name == "seed":
                told["task"]["a point of a sweep"]["seed"] = bad
            else:
                told["result"]["report"][name] = bad

        path = packed(sweep, tmp_path / "sweep.zip", change)
        with suppress(SparselabError):
            copy_table(str(path), str(tmp_path / "table.csv"), "sweep.zip")
            table = table_in(tmp_path / "table.csv")
            for row in table.rows:
                for column, value in row.items():
                    if value is not None and column not in (*WORDS, *table.swept):
                        assert -(2**63) < float(value) < 2**63, (name, column)


def test_a_copy_is_the_table(sweep: SweepFolder, tmp_path: Path) -> None:
    path = packed(sweep, tmp_path / "sweep.zip", lambda told: None)
    copy_table(str(path), str(tmp_path / "table.csv"), "sweep.zip")
    found, wanted = table_in(tmp_path / "table.csv"), table_in(sweep.path)
    assert found.columns == wanted.columns
    assert found.swept == wanted.swept
    assert [row["task"] for row in found.rows] == [row["task"] for row in wanted.rows]


def test_more_rows_than_a_page_can_hold_are_refused(
    sweep: SweepFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_file, "MOST_ROWS", 3)
    path = packed(sweep, tmp_path / "sweep.zip", lambda told: None)
    with pytest.raises(FileError, match="at most 3 rows"):
        copy_table(str(path), str(tmp_path / "table.csv"), "sweep.zip")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_a_pipe_in_a_sweeps_folder_is_not_waited_for(tmp_path: Path) -> None:
    folder = SweepFolder(tmp_path / "out")
    (folder.path / "results").mkdir(parents=True)
    os.mkfifo(folder.path / "results" / f"{'0' * 64}.json")
    os.mkfifo(folder.plan_path)
    assert list(folder.read()) == []
    with pytest.raises(FileError, match="a folder or a device"):
        read_whole_plan(folder.plan_path)
