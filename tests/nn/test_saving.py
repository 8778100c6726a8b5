"""A converted model written and read again; what a stranger's file may hold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn
from torch.nn.utils import prune

from sparselab.core.errors import FileError, SparselabError
from sparselab.nn import Converted, convert, largest_difference, load
from tests.nn.networks import block_layout, prunable, small_network


def converted(seed: int = 0) -> Converted:
    model, rng = small_network(bias=True), np.random.default_rng(seed)
    return convert(model, {name: block_layout(shape, rng) for name, shape in prunable(model).items()})


def test_what_is_written_is_read_into_the_same_architecture(tmp_path: Path) -> None:
    done, path = converted(), tmp_path / "fast.safetensors"
    done.save(path)
    back = load(path, small_network(seed=5, bias=True))
    assert set(back.swapped) == set(done.swapped)
    assert largest_difference(back.model, done.model, torch.randn(2, 3, 12, 12)) < 1e-6
    for name in done.swapped:
        assert back.model.get_submodule(name).layout.blocks == done.model.get_submodule(name).layout.blocks
    back.model.train()(torch.randn(4, 3, 12, 12)).sum().backward()


def test_masks_without_blocks_pruned_models_and_a_model_that_is_one_layer(tmp_path: Path) -> None:
    layer = prune.l1_unstructured(nn.Linear(40, 30), "weight", amount=0.9)
    for model, fresh in ((nn.Sequential(layer), nn.Sequential(nn.Linear(40, 30))), (layer, nn.Linear(40, 30))):
        done = convert(model)
        done.save(tmp_path / "fast")
        back = load(tmp_path / "fast", fresh)
        assert largest_difference(back.model, model, torch.randn(3, 40)) < 1e-5


def test_another_architecture_is_refused(tmp_path: Path) -> None:
    converted().save(tmp_path / "fast")
    for other, said in (
        (nn.Sequential(nn.Linear(4, 4)), "expected a weight of"),
        (nn.Sequential(), "expected the name of a layer"),
        (small_network(bias=False), "expected the state of this model"),
    ):
        with pytest.raises(SparselabError, match=said):
            load(tmp_path / "fast", other)


def test_no_file_and_other_files(tmp_path: Path) -> None:
    save_file({"weight": torch.zeros(3)}, tmp_path / "other")
    (tmp_path / "text").write_text("no tensors")
    for name in ("other", "text", "nowhere"):
        with pytest.raises(FileError):
            load(tmp_path / name, nn.Linear(3, 3))


def rewritten(path: Path, **changes: Any) -> None:
    """Write a file again with other tensors, or with another first layer in its metadata."""
    with safe_open(path, framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        document = json.loads(file.metadata()["sparselab"])
    for name, value in changes.items():
        if name in document["layers"][0]:
            document["layers"][0][name] = value
        elif value is None:
            tensors.pop(f"layout.0.{name}")
        else:
            tensors[f"layout.0.{name}"] = value
    save_file(tensors, path, {"sparselab": json.dumps(document)})


@pytest.mark.parametrize(
    "changes",
    [
        {"shape": [10**9, 10**9]},
        {"shape": "16x27"},
        {"name": 3},
        {"notes": 5},
        {"before": torch.zeros(2, 2, dtype=torch.uint8)},
        {"before": None},
        {"block_rows": torch.full((16,), 10**12)},
        {"block_rows": torch.full((16,), -1)},
        {"block_rows": torch.zeros(0)},
        {"block_shapes": torch.full((3, 2), 10**12)},
        {"block_shapes": torch.zeros(3, dtype=torch.int64)},
        {"row_order": torch.zeros(16, dtype=torch.int64)},
        {"col_order": None},
    ],
    ids=str,
)
def test_a_damaged_layout_is_refused_in_words(tmp_path: Path, changes: dict[str, Any]) -> None:
    path = tmp_path / "fast"
    converted().save(path)
    rewritten(path, **changes)
    with pytest.raises(SparselabError, match=r"expected|fast"):
        load(path, small_network(bias=True))


def test_values_of_another_layout_do_not_load(tmp_path: Path) -> None:
    """The state in the file has the digest of its layout."""
    converted(0).save(tmp_path / "a")
    converted(1).save(tmp_path / "b")
    with safe_open(tmp_path / "b", framework="pt") as file:
        theirs = {f"block_{part}": file.get_tensor(f"layout.0.block_{part}") for part in ("rows", "cols", "shapes")}
    rewritten(tmp_path / "a", **theirs)
    with pytest.raises(FileError, match="expected values of the layout"):
        load(tmp_path / "a", small_network(bias=True))
