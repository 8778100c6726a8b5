"""The command line: one JSON document on standard output, one line for a mistake, the same answer for the same seed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import sparselab
from sparselab.analysis.metrics import Report, meanings, report, totals
from sparselab.core.settings import settings_of
from sparselab.formats import FORMATS, WRITERS, read_ticket
from sparselab.transforms import TRANSFORMS

ROOT = Path(__file__).resolve().parents[2]
INSPECT = {"file", "format", "layers", "skipped"}
INSPECT_LAYER = {
    "name",
    "shape",
    "kernel_shape",
    "density",
    "count",
    "has_weight",
    "conversion",
    "digest",
    "groups",
    "notes",
}
TRANSFORM = {"layers", "totals", "settings", "version"}
TRANSFORM_LAYER = {"name", "shape", "digest", *Report.__dataclass_fields__}

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def answer(run: Run) -> Callable[..., Any]:
    """Run a command with --json; return its document."""

    def answer(*arguments: object) -> Any:
        status, out, _ = run(*arguments, "--json")
        assert status == 0
        return json.loads(out)

    return answer


@pytest.fixture
def pruned(tmp_path: Path) -> Path:
    """A convolution and a linear layer with weights and masks, and a bias."""
    rng = np.random.default_rng(0)
    arrays: dict[str, np.ndarray] = {"conv.bias": np.zeros(16, np.float32)}
    for name, shape in (("conv.weight", (16, 4, 3, 3)), ("fc.weight", (24, 36))):
        arrays[f"{name}_orig"] = rng.standard_normal(shape).astype(np.float32)
        arrays[f"{name}_mask"] = rng.random(shape) < 0.3
    np.savez(tmp_path / "pruned.npz", **arrays)
    return tmp_path / "pruned.npz"


@pytest.fixture
def alone(tmp_path: Path) -> Path:
    """A mask without weights."""
    np.savez(tmp_path / "alone.npz", fc_mask=np.random.default_rng(1).random((24, 36)) < 0.3)
    return tmp_path / "alone.npz"


def test_inspect_says_what_the_file_holds(pruned: Path, answer: Callable[..., Any]) -> None:
    card = answer("inspect", pruned)
    assert card.keys() >= INSPECT
    assert (card["file"], card["format"]) == (str(pruned), "npz")
    assert [item["name"] for item in card["skipped"]] == ["conv.bias"]
    layers = {layer.name: layer for layer in read_ticket(pruned)}
    assert [item["name"] for item in card["layers"]] == list(layers)
    for item in card["layers"]:
        layer = layers[item["name"]]
        assert item.keys() >= INSPECT_LAYER
        assert item["shape"] == list(layer.mask.shape)
        assert (item["count"], item["density"]) == (layer.mask.count, layer.mask.density)
        assert (item["has_weight"], item["digest"]) == (True, layer.mask.digest)
    assert [item["kernel_shape"] for item in card["layers"]] == [[3, 3], None]


def test_inspect_takes_the_kernel_shape_of_a_file_without_shapes(alone: Path, answer: Callable[..., Any]) -> None:
    plain, told, other = (
        answer("inspect", alone, *flags)["layers"][0]
        for flags in ([], ["--kernel-shape", "3,3"], ["--kernel-shape", "3,3", "--column-order", "kh-kw-cin"])
    )
    assert (plain["kernel_shape"], told["kernel_shape"], other["kernel_shape"]) == (None, [3, 3], [3, 3])
    assert plain["digest"] == told["digest"] != other["digest"]
    assert "kh-kw-cin" in other["conversion"]


def test_transform_says_what_the_engine_says(pruned: Path, answer: Callable[..., Any]) -> None:
    document = answer("transform", pruned, "regroup", "--rows-per-group=8", "--grouper", "random", "--seed", 4)
    assert document.keys() >= TRANSFORM
    assert document["version"] == sparselab.__version__
    transform = TRANSFORMS["regroup"](rows_per_group=8, grouper="random")
    assert document["settings"] == {s.name: getattr(transform, s.name) for s in settings_of(type(transform))}
    results = []
    for item, layer in zip(document["layers"], read_ticket(pruned), strict=True):
        layout = transform(layer, rng=np.random.default_rng(4))
        numbers = report(layout, layer)
        results.append((layer, layout, numbers))
        assert item.keys() >= TRANSFORM_LAYER
        assert (item["name"], item["shape"]) == (layer.name, list(layer.mask.shape))
        assert item["digest"] == layout.after.digest
        assert {name: item[name] for name in meanings() if name != "seconds"} == {
            name: value for name, value in numbers.as_json().items() if name != "seconds"
        }
        assert item["seconds"].keys() == numbers.seconds.keys()
    expected = totals(results)
    assert document["totals"].keys() == expected.keys()
    assert document["totals"] | {"seconds": 0} == expected | {"seconds": 0}
    assert document["totals"]["seconds"] == pytest.approx(sum(sum(x["seconds"].values()) for x in document["layers"]))


@pytest.mark.parametrize("name", TRANSFORMS)
def test_every_transform_answers_and_the_seed_decides(name: str, pruned: Path, answer: Callable[..., Any]) -> None:
    first, again = (digests(answer("transform", pruned, name, "--seed", 3)) for _ in range(2))
    assert first == again


def digests(document: Any) -> dict[str, str]:
    return {item["name"]: item["digest"] for item in document["layers"]}


def test_another_seed_is_another_answer(pruned: Path, answer: Callable[..., Any]) -> None:
    flags = ["regroup", "--grouper", "random", "--rows-per-group", 4]
    answers = [answer("transform", pruned, *flags, "--seed", seed) for seed in range(4)]
    assert len({digests(document)["fc.weight"] for document in answers}) > 1


@pytest.mark.parametrize(
    ("name", "flags"),
    [
        ("regroup", ["--grouper", "random", "--rows-per-group", "4"]),
        ("shuffled-blocks", ["--grouper", "random", "--block-size", "4"]),
        ("refill", []),
        ("prune", ["--scope", "layer", "--score", "random"]),
    ],
)
def test_one_layer_alone_is_what_it_is_among_all(
    name: str, flags: list[str], pruned: Path, answer: Callable[..., Any]
) -> None:
    among = {item["name"]: item for item in answer("transform", pruned, name, *flags)["layers"]}
    assert len(among) == 2
    for layer, item in among.items():
        (alone,) = answer("transform", pruned, name, *flags, "--layer", layer)["layers"]
        assert alone | {"seconds": 0} == item | {"seconds": 0}


def test_global_pruning_ranks_all_layers_together(tmp_path: Path, answer: Callable[..., Any]) -> None:
    small, large = np.arange(1, 13, dtype=np.float32).reshape(3, 4), np.arange(101, 113, dtype=np.float32).reshape(3, 4)
    np.savez(tmp_path / "two.npz", small=small, large=large)
    for scope, kept in (("global", [0, 1]), ("layer", [0.5, 0.5])):
        document = answer("transform", tmp_path / "two.npz", "prune", "--sparsity", 0.5, "--scope", scope)
        assert [item["density_after"] for item in document["layers"]] == kept
        assert document["totals"]["density_after"] == 0.5


@pytest.mark.parametrize("suffix", [suffix for name in WRITERS for suffix in FORMATS[name].suffixes])
def test_what_is_written_is_what_was_printed(
    suffix: str, pruned: Path, alone: Path, run: Run, answer: Callable[..., Any]
) -> None:
    for file in (pruned, alone):
        out = file.with_name(f"new-{file.stem}{suffix}")
        document = answer("transform", file, "regroup", "--rows-per-group", 4, "--out", out)
        back = {item["name"]: item for item in answer("inspect", out)["layers"]}
        assert {name: item["digest"] for name, item in back.items()} == digests(document)
        originals = {item["name"]: item for item in answer("inspect", file)["layers"]}
        for name, item in back.items():
            assert item["has_weight"] == originals[name]["has_weight"]
            assert item["kernel_shape"] == originals[name]["kernel_shape"]
    status, out_text, err = run("transform", pruned, "regroup", "--out", pruned.with_name(f"again{suffix}"), "--json")
    assert status == 0
    json.loads(out_text)
    assert err.startswith("wrote ")


def test_without_json_there_are_tables_for_people(pruned: Path, run: Run) -> None:
    status, out, err = run("inspect", pruned)
    assert (status, len(out.splitlines())) == (0, 4)
    assert err == "not a layer: 1 vector\n"
    status, out, err = run("transform", pruned, "regroup", "--rule", "threshold", "--rows-per-group", 4)
    assert (status, len(out.splitlines())) == (0, 3)
    assert "unblocked" in out
    assert err.count("unblocked: ") == 2


MISTAKES: dict[str, list[str]] = {
    "no such command": ["burn", "{pruned}"],
    "no file": ["inspect"],
    "missing file": ["inspect", "{folder}/absent.npz"],
    "missing file to transform": ["transform", "{folder}/absent.npz", "regroup"],
    "a directory": ["inspect", "{folder}"],
    "a directory to transform": ["transform", "{folder}", "regroup"],
    "no mask at all": ["inspect", "{folder}/text.npz"],
    "an empty file": ["inspect", "{folder}/empty.pt"],
    "no transform": ["transform", "{pruned}"],
    "transform and its settings without a file": ["transform", "regroup", "--rows-per-group", "4"],
    "transform before the file": ["transform", "regroup", "{pruned}"],
    "unknown setting before the file": ["transform", "--rows", "4", "{pruned}", "regroup"],
    "wrong transform": ["transform", "{pruned}", "regrup"],
    "unknown setting": ["transform", "{pruned}", "regroup", "--rows", "4"],
    "setting of another transform": ["transform", "{pruned}", "regroup", "--block-size", "4"],
    "value without a setting": ["transform", "{pruned}", "regroup", "4"],
    "setting without a value": ["transform", "{pruned}", "regroup", "--rows-per-group"],
    "too small": ["transform", "{pruned}", "regroup", "--rows-per-group", "0"],
    "too large": ["transform", "{pruned}", "regroup", "--density", "1.5"],
    "negative": ["transform", "{pruned}", "regroup", "--density", "-1"],
    "not a number": ["transform", "{pruned}", "regroup", "--density", "nan"],
    "not whole": ["transform", "{pruned}", "regroup", "--knn", "2.5"],
    "not a choice": ["transform", "{pruned}", "regroup", "--rule", "magic"],
    "two that exclude each other": ["transform", "{pruned}", "regroup", "--rows-per-group", "16", "--groups", "4"],
    "unknown layer": ["transform", "{pruned}", "regroup", "--layer", "fc"],
    "kernel shape in letters": ["inspect", "{alone}", "--kernel-shape", "3,x"],
    "kernel shape of nothing": ["inspect", "{alone}", "--kernel-shape", ""],
    "kernel shape zero": ["transform", "{alone}", "regroup", "--kernel-shape", "3,0"],
    "kernel shape too long": ["inspect", "{alone}", "--kernel-shape", "1,1,1,1,1,1,1,1,1,1,1,1"],
    "kernel shape too large": ["inspect", "{alone}", "--kernel-shape", "99999999999999999999,1"],
    "kernel shape that does not divide": ["inspect", "{alone}", "--kernel-shape", "5,5"],
    "column order alone": ["inspect", "{alone}", "--column-order", "kh-kw-cin"],
    "no column order": ["inspect", "{alone}", "--column-order", "cin"],
    "out without a suffix": ["transform", "{pruned}", "regroup", "--out", "{folder}/new"],
    "out of another suffix": ["transform", "{pruned}", "regroup", "--out", "{folder}/new.csv"],
    "out nowhere": ["transform", "{pruned}", "regroup", "--out", "{folder}/absent/new.npz"],
    "out onto a directory": ["transform", "{pruned}", "regroup", "--out", "{folder}/taken.npz"],
    "energy of a mask alone": ["transform", "{alone}", "regroup", "--weigh", "energy"],
    "magnitudes of a mask alone": ["transform", "{alone}", "prune"],
    "no seed": ["transform", "{pruned}", "regroup", "--seed", "x"],
    "negative seed": ["transform", "{pruned}", "regroup", "--seed", "-1"],
    "bad device": ["transform", "{pruned}", "regroup", "--device", "abacus"],
    "bad device of a transform that computes nowhere": ["transform", "{pruned}", "prune", "--device", "abacus"],
    "device of another kind": ["transform", "{pruned}", "regroup", "--device", "meta"],
    "two lines in a name": ["transform", "{pruned}", "regroup", "--out", "{folder}/two\nlines"],
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_line_and_status_2(mistake: str, pruned: Path, alone: Path, run: Run) -> None:
    folder = pruned.parent
    (folder / "text.npz").write_text("no mask", encoding="utf-8")
    (folder / "empty.pt").touch()
    (folder / "taken.npz").mkdir()
    before = sorted(path.name for path in folder.iterdir())
    status, out, err = run(*(part.format(pruned=pruned, alone=alone, folder=folder) for part in MISTAKES[mistake]))
    assert (status, out) == (2, "")
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert err.endswith("\n")
    assert len(err) > 20
    assert sorted(path.name for path in folder.iterdir()) == before


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_cuda_that_is_not_here(pruned: Path, run: Run) -> None:
    for name in TRANSFORMS:
        status, out, err = run("transform", pruned, name, "--device", "cuda")
        assert (status, out) == (2, "")
        assert err == "error: expected a CUDA device; torch sees none here: choose cpu or auto\n"


def test_a_number_that_no_cuda_device_has(pruned: Path, run: Run) -> None:
    status, out, err = run("transform", pruned, "regroup", "--device", "cuda:99")
    assert (status, out) == (2, "")
    assert err.startswith("error: expected a CUDA device")


def test_as_a_process(pruned: Path) -> None:
    """Nothing but the document on standard output; and a mistake in another language than Python's."""
    call = [sys.executable, "-m", "sparselab", "transform", str(pruned), "regroup", "--json"]
    good = subprocess.run(call, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (good.returncode, good.stderr) == (0, "")
    assert json.loads(good.stdout).keys() >= TRANSFORM
    bad = subprocess.run([*call, "--rows-per-group", "0"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (bad.returncode, bad.stdout) == (2, "")
    assert bad.stderr == "error: rows_per_group: expected a whole number from 1 to 256 or none; got 0\n"
