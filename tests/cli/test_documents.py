"""The documents of --json: one envelope round all of them, with every command there is."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import sparselab
from sparselab.cli import commands, main
from sparselab.cli.output import SCHEMA
from sparselab.core.paths import DATA_VARIABLE
from sparselab.training.models import MODELS
from sparselab.training.settings import TrainSettings
from sparselab.transforms import TRANSFORMS
from sparselab.workflows.compare import contenders

Answer = Callable[..., Any]

# What makes each command answer quickly, what stands for its settings, and the keys its documents had before the envelope.
CALLS: dict[str, tuple[list[str], dict[str, Any], set[str]]] = {
    "inspect": (["{file}"], {"column_order": "cin-kh-kw"}, {"file", "format", "layers", "skipped", "notes"}),
    "audit": (["{file}"], {"layers": []}, {"claim", "holds", "layers", "skipped"}),
    "transform": (
        ["{file}", "regroup", "--rows-per-group", "8"],
        asdict(TRANSFORMS["regroup"](rows_per_group=8)),  # type: ignore[call-overload,call-arg]
        {"layers", "totals", "settings", "version"},
    ),
    "compare": (["{file}", "--only", "prune"], {"layer": "fc", "only": "prune"}, {"budget", "rows"}),
    "sweep": (
        ["{file}", "--transforms", "regroup", "--rows-per-group", "8", "--jobs", "1", "--out", "{folder}"],
        {"transforms": {"regroup": {"rows_per_group": [8]}}, "seeds": [0], "chance": False},
        {"points", "done", "failed", "left", "out"},
    ),
    "diff": (["{file}", "{file}"], {"mask_b": None}, {"verdict", "layers", "total", "not_compared", "notes", "other"}),
    "bench": (
        [
            "{file}",
            "--kernels",
            "dense",
            "--rounds",
            "8",
            "--seconds",
            "0.1",
            "--positions",
            "8",
            "--transform",
            "prune",
        ],
        {"layer": "fc", "positions": 8, "transform": "prune", "transform_settings": asdict(TRANSFORMS["prune"]())},
        {"session", "rows", "device", "protocol", "versions", "about", "threads", "dtype", "shape", "density"},
    ),
    "doctor": (
        ["tests.diagnosis.cases:tiny_model", "--input", "2,16", "--seconds", "0.01", "--no-cures"],
        {"for": "this-machine", "inputs": ["2,16"], "cures": False},
        {"target", "cause", "paragraph", "findings", "tried", "evidence"},
    ),
    "tune": (
        [
            *("vgg-small", "--checkpoint", "{checkpoint}", "--transform", "prune", "--task", "digits"),
            *(
                "--task-settings",
                "train=64,validation=16,test=16",
                "--width",
                "0.25",
                "--batch",
                "32",
                "--threads",
                "1",
            ),
            *("--minutes", "0.001", "--seconds", "0.1", "--anyway", "--out", "{folder}"),
        ],
        {"model": "vgg-small", "transform": "prune", "minutes": 0.001},
        {"request", "transform", "forecast", "epochs", "step_seconds", "result"},
    ),
    "train": (
        [
            "--out",
            "{folder}",
            "--task-settings",
            "train=64,validation=32,test=32",
            "--epochs",
            "1",
            "--levels",
            "1",
            "--threads",
            "1",
        ],
        asdict(TrainSettings(task_settings="train=64,validation=32,test=32", epochs=1, levels=1, threads=1)),
        {"run", "levels", "seconds", "threads"},
    ),
}


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A layer with weights and a mask; and a place for results that is nobody's."""
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path / "data"))
    rng = np.random.default_rng(0)
    arrays = {"fc_orig": rng.standard_normal((24, 36)).astype(np.float32), "fc_mask": rng.random((24, 36)) < 0.3}
    np.savez(tmp_path / "pruned.npz", **arrays)
    torch.save(MODELS["vgg-small"].build(10, 1, 24, 0.25).state_dict(), tmp_path / "small.pt")
    return tmp_path / "pruned.npz"


PRINTING = [
    name for name, each in commands.commands.items() if any("--json" in parameter.opts for parameter in each.params)
]


def test_every_command_about_masks_prints_documents() -> None:
    assert (
        set(PRINTING) == CALLS.keys() == set(commands.commands) - {"app", "lesson"}
    )  # of which one serves, and one is about folders of texts


@pytest.mark.parametrize("name", PRINTING)
def test_every_document_says_what_was_run_on_what(
    name: str, file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments, settings, keys = CALLS[name]
    words = [word.format(file=file, folder=tmp_path / "run", checkpoint=tmp_path / "small.pt") for word in arguments]
    reads_file = "{file}" in arguments
    draws = name not in ("inspect", "audit", "diff")
    assert main([name, *words, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document.keys() >= keys
    assert list(document)[:7] == ["schema", "version", "command", "file", "digest", "seed", "settings"]
    assert (document["schema"], document["version"], document["command"]) == (SCHEMA, sparselab.__version__, name)
    assert document["file"] == (str(file) if reads_file else None)
    assert document["digest"] == (hashlib.sha256(file.read_bytes()).hexdigest() if reads_file else None)
    assert document["seed"] == (0 if draws else None)
    assert document["settings"] | settings == document["settings"]


def test_compare_says_what_it_runs_and_runs_what_is_named(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = [contender.name for contender in contenders(0.5)]
    assert len(names) == len(set(names))
    assert not any(set(" ,") & set(name) for name in names)
    quick = ["prune", "refill", "n-m-2-4"]

    def rows(*flags: str) -> tuple[int, list[str]]:
        assert main(["compare", str(file), *flags, "--json"]) == 0
        out, err = capsys.readouterr()
        layer, *lines = err.splitlines()
        assert layer == "layer fc: " + (
            "as asked" if "--layer" in flags else "the largest of 1 by size (24 x 36); --layer takes another"
        )
        total = len(lines)
        begun = [line.split(": ", 1) for line in lines]
        assert [number for number, _ in begun] == [f"{index} of {total}" for index in range(1, total + 1)]
        return len(json.loads(out)["rows"]), [name for _, name in begun]

    assert rows("--only", ",".join(quick)) == (3, quick)
    assert rows("--only", ",".join(quick), "--skip", "refill", "--layer", "fc") == (2, ["prune", "n-m-2-4"])
    others = [name for name in names if name not in quick]
    assert rows("--skip", ", ".join(others)) == (3, quick)


def test_the_name_of_a_transform_means_all_its_contenders(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", str(file), "--only", "n-m", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert [row["name"] for row in rows] == [each.name for each in contenders(0.5) if each.transform == "n-m"]
    assert main(["compare", str(file), "--only", "n-m,prune", "--skip", "n-m", "--json"]) == 0
    assert [row["name"] for row in json.loads(capsys.readouterr().out)["rows"]] == ["prune"]


@pytest.mark.parametrize("flag", ["--only", "--skip"])
def test_a_contender_that_is_not_there(flag: str, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", str(file), flag, "refill,nobody"]) == 2
    out, err = capsys.readouterr()
    names = ", ".join(contender.name for contender in contenders(0.5))
    assert (out, err) == ("", f"error: {flag}: expected some of {names}; got 'nobody'\n")


def test_nobody_left_to_compare(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", str(file), "--only", "refill", "--skip", "refill"]) == 2
    assert "expected a contender that --skip does not leave out" in capsys.readouterr().err


ORDERS = [
    ["{file}", "regroup", "--rows-per-group", "8", "--seed", "2"],
    ["--rows-per-group", "8", "--seed=2", "{file}", "regroup"],
    ["{file}", "--rows-per-group=8", "regroup", "--seed", "2"],
    ["--seed", "2", "{file}", "--rows-per-group", "8", "--", "regroup"],
]


@pytest.mark.parametrize("order", ORDERS[1:])
def test_options_stand_in_any_order(order: list[str], file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    documents = []
    for words in (ORDERS[0], order):
        before, after = (words, []) if "--" not in words else (words[:-2], words[-2:])
        call = [word.format(file=file) for word in (*before, "--json", *after)]
        assert main(["transform", *call]) == 0
        document = json.loads(capsys.readouterr().out)
        documents.append(document | {"layers": [item | {"seconds": 0} for item in document["layers"]], "totals": 0})
    assert documents[0] == documents[1]
    assert documents[0]["settings"]["rows_per_group"] == 8
