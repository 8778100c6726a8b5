"""The flags that say how a file is read, and what is said of how it was read."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import Run
from tests.formats.kinds.examples import m, w

KEPT = m(6, 8)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Weights of every kind that leaves something open."""
    path = tmp_path / "net.npz"
    tensors = {"conv.weight": w(6, 2, 3, 3), "dense/kernel": w(6, 8), "tiny": np.float32(0.1) * w(2, 3)}
    bad = w(30, 40)
    bad[0, 0] = np.nan
    np.savez(path, **tensors, bad=bad, wpe=w(9, 9), **{f"norm{i}": w(4) for i in range(98)})
    return path


def test_inspect_says_notes_and_counts_vectors(file: Path, run: Run) -> None:
    status, out, err = run("inspect", file)
    assert status == 0
    assert "3 layers" in out
    lines = err.splitlines()
    assert "note: dense_kernel: read as IO, because it is called a kernel; --axes says otherwise" in lines
    assert lines[-1] == "not a layer: 98 vectors"
    assert "not a layer: bad: bad: expected finite weights; got 1 NaN and 0 infinite" in lines
    assert len(lines) == 4


def test_the_flags_reach_the_reader(file: Path, tmp_path: Path, run: Run) -> None:
    np.savez(tmp_path / "masks.npz", **{"dense/kernel": KEPT})
    flags = [
        "--axes",
        "dense_kernel=OI",
        "--conv-groups",
        "conv.weight=3",
        "--read-all",
        "--mask",
        tmp_path / "masks.npz",
    ]
    status, out, _ = run("inspect", file, *flags, "--json")
    card = json.loads(out)
    layers = {layer["name"]: layer for layer in card["layers"]}
    assert status == 0
    assert layers["dense_kernel"]["shape"] == [6, 8]
    assert layers["dense_kernel"]["count"] == KEPT.sum()
    assert layers["conv.weight"]["groups"] == 3
    assert "wpe" in layers
    assert card["settings"]["axes"] == ["dense_kernel=OI"]
    assert card["settings"]["mask"] == str(tmp_path / "masks.npz")
    status, out, _ = run("inspect", file, "--threshold", "0.5", "--json")
    assert 0 < next(layer for layer in json.loads(out)["layers"] if layer["name"] == "conv.weight")["density"] < 1


def test_one_bad_layer_costs_neither_compare_nor_transform(file: Path, tmp_path: Path, run: Run) -> None:
    status, _, err = run("compare", file, "--only", "prune", "--density", "0.5")
    assert status == 0
    assert "layer conv.weight: the largest of 4 by size (6 x 18)" in err
    assert "larger, but not read: bad: expected finite weights" in err
    status, out, err = run("transform", file, "prune", "--scope", "global", "--out", tmp_path / "out.npz")
    assert status == 0
    assert "bad: not done: bad: expected finite weights" in err
    assert "note: dense_kernel: read as IO" in err
    assert "conv.weight" in out


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (("--axes", "HWIX"), "axes: expected auto, or letters such as OIHW"),
        (("--axes", "nowhere=OI"), "got nowhere: it holds"),
        (("--axes", "OIDHW"), "expected --axes for tensors of this file; got OIDHW"),
        (("--conv-groups", "conv.weight"), "groups: expected NAME=N"),
        (("--conv-groups", "conv.weight=4"), "expected groups that divide its 6 rows; got 4"),
        (("--threshold", "-1"), "threshold: expected a number from 0 up; got -1"),
        (("--mask", "nowhere.npz"), "nowhere.npz: expected a file that can be read"),
    ],
)
def test_flags_that_fit_nothing_are_mistakes(flags: tuple[str, str], says: str, file: Path, run: Run) -> None:
    status, _, err = run("inspect", file, *flags)
    assert status == 2
    assert says in err
