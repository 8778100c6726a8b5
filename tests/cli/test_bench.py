"""`bench`: one JSON document with what a reader needs to believe it; words for people; one line for a mistake."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sparselab.benchmarking.records import Session
from sparselab.benchmarking.storage_paths import database_path
from sparselab.benchmarking.store import Store
from sparselab.cli import main
from sparselab.core.paths import DATA_VARIABLE

ROW = {
    "kernel",
    "median_ms",
    "p20_ms",
    "p80_ms",
    "rounds",
    "speedup_vs_dense",
    "interval",
    "verdict",
    "max_error",
    "flags",
}
QUICK = ("--rounds", "8", "--seconds", "0.1", "--threads", "1")


@pytest.fixture(autouse=True)
def _data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path / "data"))


@pytest.fixture
def pruned(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    arrays = {"conv.weight_orig": rng.standard_normal((16, 4, 3, 3)).astype(np.float32)}
    arrays["conv.weight_mask"] = rng.random((16, 4, 3, 3)) < 0.3
    np.savez(tmp_path / "pruned.npz", **arrays)
    return tmp_path / "pruned.npz"


def bench(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    status = main(["bench", *map(str, arguments)])
    return status, *capsys.readouterr()


def test_json_has_every_row_the_device_and_the_protocol(pruned: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call = (pruned, "--transform", "regroup", "--rows-per-group", "8", "--positions", "16", *QUICK, "--json")
    status, out, err = bench(capsys, *call)
    assert status == 0
    document: dict[str, Any] = json.loads(out)
    assert document.keys() >= {"rows", "device", "protocol", "versions", "threads", "dtype", "shape", "density"}
    assert all(row.keys() >= ROW for row in document["rows"])
    rows = {(row["kernel"], row["role"]): row for row in document["rows"]}
    assert rows["dense", "baseline"]["median_ms"] > 0
    assert rows["dense", "control"]["max_error"] < 1e-5
    assert (document["threads"], document["input_shape"]) == (1, [36, 16])
    assert document["about"]["transform"] == "regroup"
    assert "rows_per_group=8" in document["about"]["settings"]
    assert "measuring the load of this machine" in err
    assert Store(database_path()).sessions() == (Session.from_json(document),)


def test_whole_training_steps(pruned: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call = (pruned, "--transform", "regroup", "--rows-per-group", "8", "--positions", "16", "--backward", *QUICK)
    status, out, _ = bench(capsys, *call)
    assert status == 0
    assert "whole training steps: Y, dX and dW" in out
    (stored,) = Store(database_path()).sessions()
    assert stored.is_step


def test_words_for_people(pruned: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = bench(capsys, pruned, "--input", "1,4,5,5", "--kernels", "dense", *QUICK)
    assert status == 0
    assert "conv2d (again)" in out
    assert "the baseline" in out
    assert "not measured: a matrix product; for a convolution take conv2d" in out
    assert "8 rounds in turns" in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--input", "1,2,3"), "--input: expected four numbers such as 8,64,32,32; got '1,2,3'"),
        (("--rows-per-group", "8"), "expected --transform before settings; got '--rows-per-group' without"),
        (("--transform", "regroup", "--nothing", "8"), "regroup: expected one of --rule"),
        (("--positions", "0"), "0 is not in the range x>=1"),
        (("--kernels", "fast"), "kernels: expected some of dense"),
        (("--input", "1,3,5,5"), "expected an input that gives 36 columns"),
        (("--input", "1,4,5,5", "--positions", "8"), "expected either a number of positions or an input"),
        (("--dtype", "tf32", "--device", "cpu"), "tf32 is an arithmetic of CUDA devices"),
        (("--seconds", "0"), "seconds: expected a time above 0"),
    ],
)
def test_mistakes(pruned: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str) -> None:
    status, out, err = bench(capsys, pruned, *arguments)
    assert (status, out) == (2, "")
    assert said in err.splitlines()[-1]
    assert err.splitlines()[-1].startswith("error: ")
