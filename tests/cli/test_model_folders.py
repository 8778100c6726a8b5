"""Folders of models on the command line: every command takes one where it takes a file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sparselab.core.inputs import memory
from sparselab.formats import read_ticket
from tests.cli.conftest import Run
from tests.formats.models.model_folders import SMALL, large_folder


@pytest.fixture
def large(tmp_path: Path) -> Path:
    return large_folder(tmp_path)


def test_inspect_reads_the_headers_of_a_large_folder(large: Path, run: Run) -> None:
    status, out, err = run("inspect", large, "--json")
    card = json.loads(out)
    assert (status, err, card["digest"], card["format"]) == (0, "", None, "model-folder")
    assert [layer["count"] for layer in card["layers"]] == [None] * 4
    status, out, err = run("inspect", large)
    assert (status, out.count(" - ")) == (0, 12)
    assert "not counted yet: the layers take more than 512 MiB as float32; --count reads and counts them all" in err


def test_inspect_counts_when_asked(large: Path, run: Run) -> None:
    status, out, err = run("inspect", large, "--count", "--json")
    layers = json.loads(out)["layers"]
    assert status == 0
    assert [layer["count"] for layer in layers] == [SMALL[0] * SMALL[1] // 3, 0, 0, 0]
    assert err.splitlines()[0] == "1 of 4: counting small.weight"
    assert len(err.splitlines()) == 4


def test_one_layer_of_a_folder_is_transformed_compared_and_written(large: Path, run: Run, tmp_path: Path) -> None:
    layer = ("--layer", "small.weight", "--json")
    status, out, _ = run("transform", large, "regroup", *layer, "--out", tmp_path / "out.safetensors")
    assert status == 0
    assert json.loads(out)["layers"][0]["shape"] == list(SMALL)
    assert read_ticket(tmp_path / "out.safetensors").names[0] == "small.weight"
    status, out, _ = run("compare", large, *layer, "--only", "prune")
    assert status == 0
    assert json.loads(out)["budget"]["count"] == SMALL[0] * SMALL[1] // 3


def test_what_does_not_fit_into_memory_is_refused_in_words(
    large: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "available_memory", lambda: 2**28)
    status, _, err = run("transform", large, "regroup", "--layer", "layers.1.weight")
    assert status == 2
    assert "layers.1.weight: expected 0.4 GiB of free memory; got 0.2 GiB: use a machine with more" in err
    status, _, err = run("transform", large, "prune", "--scope", "global")
    assert status == 2
    assert "all layers at once: expected 3.0 GiB of free memory" in err
