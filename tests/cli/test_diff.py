"""`sparselab diff A B`: exit status as of diff, a table or a document, files of strangers within limits."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import Run


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    rng = np.random.default_rng(0)
    masks = [{f"{name}_mask": rng.random((12, 20)) < 0.3 for name in ("one", "two")} for _ in range(2)]
    paths = tmp_path / "a.npz", tmp_path / "b.npz"
    for path, arrays in zip(paths, masks, strict=True):
        np.savez(path, **arrays)
    return paths


def test_the_status_says_same_different_or_trouble(files: tuple[Path, Path], run: Run, tmp_path: Path) -> None:
    a, b = files
    status, out, _ = run("diff", a, a)
    assert (status, out.splitlines()[-1]) == (0, "The masks are the same.")
    status, out, _ = run("diff", a, b)
    assert status == 1
    assert [line.split()[0] for line in out.splitlines()[:4]] == ["layer", "one", "two", "total"]
    status, out, err = run("diff", a, tmp_path / "none.npz")
    assert (status, out) == (2, "")
    assert err.startswith("error: ")


def test_the_document_says_the_same_as_the_table(files: tuple[Path, Path], run: Run) -> None:
    a, b = files
    status, out, _ = run("diff", a, b, "--json")
    document = json.loads(out)
    assert (status, document["verdict"]) == (1, "different")
    assert (document["file"], document["other"]["file"]) == (str(a), str(b))
    assert document["other"]["digest"] != document["digest"]
    assert [layer["name"] for layer in document["layers"]] == ["one", "two"]
    assert document["total"]["both"] == sum(layer["both"] for layer in document["layers"])
    assert document["sentence"] in run("diff", a, b)[1]


def test_a_layer_that_cannot_be_read_is_trouble_and_the_others_stand(run: Run, tmp_path: Path) -> None:
    weights = {"one.weight": np.eye(4, dtype=np.float32) / 2, "bad.weight": np.full((4, 4), np.nan, np.float32)}
    np.savez(tmp_path / "a.npz", **weights)
    status, out, _ = run("diff", tmp_path / "a.npz", tmp_path / "a.npz")
    assert status == 2
    assert "one.weight" in out
    assert "bad.weight: not compared: in A: " in out


def test_masks_may_lie_apart_on_both_sides(files: tuple[Path, Path], run: Run, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    np.savez(tmp_path / "w.npz", **{f"{name}.weight": rng.standard_normal((12, 20)) for name in ("one", "two")})
    masks = tmp_path / "m.npz"
    np.savez(masks, **{f"{name}.weight": rng.random((12, 20)) < 0.3 for name in ("one", "two")})
    with_masks = run("diff", tmp_path / "w.npz", tmp_path / "w.npz", "--mask", masks)
    assert with_masks[0] == 1
    assert run("diff", tmp_path / "w.npz", tmp_path / "w.npz", "--mask", masks, "--mask-b", masks)[0] == 0
