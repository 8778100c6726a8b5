"""The command line says what is best by the same measure as the pages, and what random groups keep."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from sparselab.cli import main
from sparselab.formats import read_ticket
from sparselab.transforms import Regroup
from sparselab.workflows.chance import chance_of


@pytest.fixture
def file(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    kept = rng.random((32, 48)) < 0.2
    np.savez(tmp_path / "a.npz", fc=np.where(kept, rng.standard_normal(kept.shape), 0))
    return tmp_path / "a.npz"


def test_compare_names_the_best_and_by_what_measure(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = "regroup-jaccard-metis,regroup-jaccard-metis-16,regroup-natural,shuffled-blocks,prune"
    assert main(["compare", str(file), "--only", names, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    candidates = [row for row in document["rows"] if row["role"] == "candidate"]
    most = max(row["energy"] for row in candidates)
    assert document["best"]["measure"] == "energy"
    assert document["best"]["names"] == [row["name"] for row in candidates if row["energy"] == pytest.approx(most)]
    assert main(["compare", str(file), "--only", names]) == 0
    assert "best: " in capsys.readouterr().err


def test_chance_is_told_where_it_is_asked_for(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call = ["transform", str(file), "regroup", "--rows-per-group", "8", "--device", "cpu"]
    assert main([*call, "--chance", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["layers"]
    layer, run = read_ticket(file)["fc"], Regroup(rows_per_group=8)
    chance = chance_of(layer, run(layer, device="cpu"), run, device="cpu")
    assert chance is not None
    assert row["chance"] == {**chance.as_json(), "gain": chance.gain(row["energy"])}
    assert main([*call, "--chance"]) == 0
    assert "random groups" in capsys.readouterr().out
    assert main(["transform", str(file), "n-m", "--chance", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["layers"][0]["chance"] is None


@pytest.mark.parametrize(
    "call", [["transform", "{file}", "regroup"], ["compare", "{file}", "--only", "regroup-natural"]]
)
def test_groups_of_a_convolution_are_said_to_see_different_inputs(
    call: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "g.npz", conv=np.where(rng.random((8, 2, 3, 3)) < 0.5, rng.standard_normal((8, 2, 3, 3)), 0))
    assert main([part.format(file=tmp_path / "g.npz") for part in call] + ["--conv-groups", "conv=2"]) == 0
    assert "see different inputs: no block reaches from one into the next" in capsys.readouterr().err
