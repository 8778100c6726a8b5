"""`sweep`: flags, plans, shards, progress, and what is said of points without a result."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from sparselab.cli.sweep_options import swept_options
from sparselab.core.csv_text import read_rows
from sparselab.core.settings import settings_of
from sparselab.transforms import TRANSFORMS
from tests.workflows.sweeps.small import results_of, waiting_first, write_file

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def net(tmp_path: Path) -> Path:
    return write_file(tmp_path / "net.npz")


def test_every_setting_that_no_clock_ends_is_an_option_once() -> None:
    flags = [option.opts[0] for option in swept_options()]
    settings = [each for kind in TRANSFORMS.values() for each in settings_of(kind)]
    assert sorted(flags) == sorted({each.flag for each in settings if not each.stops_by_clock})


def test_a_sweep_is_run_in_shards_collected_and_run_again_for_nothing(net: Path, tmp_path: Path, run: Run) -> None:
    values = (
        "--transforms",
        "regroup,refill",
        "--rows-per-group",
        "4,8",
        "--score",
        "count,l1",
        "--layer",
        "fc1",
        "--seeds",
        "0,1",
    )
    told = (net, *values, "--out", tmp_path / "out", "--jobs", "1")
    assert run("sweep", *told, "--shard", "2/2")[:2] == (1, "3 of 4 points have a result (3 computed), 1 failed\n")
    status, out, _ = run("sweep", "--status", "--out", tmp_path / "out")
    assert (status, out) == (0, "3 of 8 points have a result (3 computed), 1 failed, 4 are left\n")
    status, out, err = run("sweep", *told, "--collect", tmp_path / "results.csv", "--json")
    assert status == 1
    assert {key: json.loads(out)[key] for key in ("points", "done", "failed", "left")} == {
        "points": 8,
        "done": 8,
        "failed": 2,
        "left": 0,
    }
    assert json.loads(out)["origins"] == {"computed": 3, "cached": 0, "before": 3}
    assert "2 without a result: score=l1 needs weights" in err
    rows = read_rows((tmp_path / "results.csv").read_text())
    assert [(row["transform"], row["rows_per_group"], row["score"], row["seed"]) for row in rows] == [
        *(("regroup", height, "", seed) for height in "48" for seed in "01"),
        *(("refill", "", score, seed) for score in ("count", "l1") for seed in "01"),
    ]
    assert {row["layer"] for row in rows} == {"fc1"}
    before = results_of(tmp_path / "out")
    assert run("sweep", "--out", tmp_path / "out")[:2] == (
        1,
        "6 of 8 points have a result (0 computed, 6 done before), 2 failed\n",
    )
    assert results_of(tmp_path / "out") == before


def test_a_plan_is_written_and_run_as_the_flags_would_be(net: Path, tmp_path: Path, run: Run) -> None:
    plan = tmp_path / "plan.json"
    status, _, err = run("sweep", net, "--transforms", "regroup", "--density", ".1,.2", "--write-plan", plan)
    assert (status, err.splitlines()[-1]) == (0, f"wrote {plan}: 4 points")
    assert run("sweep", plan, "--out", tmp_path / "out", "--status")[:2] == (0, "0 of 4 points done\n")
    status, _, err = run("sweep", plan, "--transforms", "regroup", "--out", tmp_path / "out")
    assert status == 2
    assert "expected a plan alone" in err


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (("--transforms", "regroup", "--refine-seconds", "3"), "set refine_steps"),
        (("--transforms", "regroup", "--block-size", "8"), "none of them has"),
        (("--transforms", "regroup", "--rows-per-group", "8,x"), "rows_per_group: expected a whole number"),
        (("--transforms", "what"), "expected some of prune"),
        ((), "transforms: expected some of"),
        (("--transforms", "regroup", "--seeds", "a"), "--seeds: expected whole numbers"),
        (("--transforms", "regroup", "--layer", "nope"), "got 'nope'"),
        (("--transforms", "regroup", "--shard", "5/4"), "I from 1 to N"),
        (("--transforms", "regroup", "--shard", "x"), "--shard: expected I/N"),
        (("--transforms", "regroup", "--jobs", "0"), "--jobs: expected auto"),
        (("--transforms", "regroup", "--scheduler", "tcp://0.0.0.0:8786"), "TLS or an SSH tunnel"),
    ],
)
def test_a_mistake_is_one_line_and_nothing_is_run(
    flags: tuple[str, ...], says: str, net: Path, tmp_path: Path, run: Run
) -> None:
    status, out, err = run("sweep", net, *flags, "--out", tmp_path / "out")
    assert (status, out) == (2, "")
    assert says in err
    assert len(err.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_what_is_waited_for_is_a_line_once(
    net: Path, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        sys.modules["sparselab.cli.sweep"], "EXECUTORS", {"dask": lambda _address: waiting_first}, raising=True
    )
    status, out, err = run("sweep", net, "--transforms", "regroup", "--out", tmp_path / "out", "--scheduler", "any")
    assert (status, out) == (0, "2 of 2 points done (2 computed)\n")
    assert err.count("no workers on it\n") == 1


def test_a_folder_is_swept_file_by_file_and_what_is_no_layer_is_left_out(tmp_path: Path, run: Run) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    write_file(folder / "a.npz", layers=1)
    np.save(folder / "b.npy", np.eye(8, 16, dtype=bool))
    (folder / "notes.txt").write_text("no layer")
    (folder / "damaged.npz").write_bytes(b"PK\x03\x04nonsense")
    plan = tmp_path / "plan.json"
    status, _, _ = run("sweep", folder, "--transforms", "regroup", "--write-plan", plan)
    assert status == 0
    assert [Path(file["path"]).name for file in json.loads(plan.read_text())["files"]] == ["a.npz", "b.npy"]


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is sent otherwise there")
def test_ctrl_c_ends_it_in_a_line_and_the_same_command_goes_on(net: Path, tmp_path: Path, run: Run) -> None:
    out = tmp_path / "out"
    told = (
        "sweep",
        str(net),
        "--transforms",
        "regroup",
        "--rows-per-group",
        ",".join(map(str, range(1, 24))),
        "--out",
        str(out),
        "--jobs",
        "1",
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "sparselab", *told],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        # Where the tests run in the background, Ctrl-C is ignored, and by all they start.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    while not (out / "results").is_dir() or not results_of(out):
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert "the same command goes on" in err
    status, said, _ = run(*told)
    assert (status, said[:21]) == (0, "46 of 46 points done ")
    assert sum(map(int, re.findall(r"(\d+) (?:computed|from|done before)", said))) == 46
