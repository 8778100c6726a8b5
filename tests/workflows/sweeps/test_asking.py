"""`sparselab.sweep`: the table of a folder, and its drawing."""

from __future__ import annotations

from pathlib import Path

import pytest

import sparselab
from sparselab.core.errors import FileError, SettingError
from sparselab.workflows.sweeps import asking
from sparselab.workflows.sweeps.folder import SweepFolder
from sparselab.workflows.sweeps.running import run_sweep
from sparselab.workflows.sweeps.table import rows_of
from tests.workflows.sweeps.small import inline, small_plan, waiting_first, write_file


def test_a_folder_is_opened_as_a_table_and_drawn_beside_random_groups(tmp_path: Path) -> None:
    plan, folder = small_plan(tmp_path, with_chance=True, seeds=(0,)), SweepFolder(tmp_path / "out")
    run_sweep(plan, folder, inline)
    found = sparselab.sweep(out=folder.path)
    assert found.plan == plan
    assert list(found.rows) == rows_of(plan, folder.read())
    failed = sum(row.get("error") is not None for row in found.rows)
    assert (
        repr(found)
        == f"SweepTable({len(found.rows)} rows, {failed} without a result; points: {len(found.rows) - failed} computed; .table, .plot())"
    )
    drawn = found.plot(y="kept").data
    whole, dotted = (sum(len(line.x) for line in drawn if line.line.dash == dash) for dash in ("solid", "dot"))
    assert whole == len(found.rows) - failed
    assert dotted == sum(row.get("random_mean") is not None for row in found.rows) > 0


def test_what_is_waited_for_is_warned_of_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "EXECUTORS", {"dask": lambda _address: waiting_first})
    path = write_file(tmp_path / "net.npz", layers=1)
    with pytest.warns(UserWarning, match="no workers on it") as told:
        found = sparselab.sweep(path, rows_per_group=[4, 8], scheduler="tcp://127.0.0.1:1")
    assert len(told) == 1
    assert found.origins.computed + found.origins.cached == len(found.rows) == 2


def test_what_is_no_sweep_is_said(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="a source, or out"):
        sparselab.sweep()
    with pytest.raises(FileError, match=r"plan\.json"):
        sparselab.sweep(out=tmp_path)
