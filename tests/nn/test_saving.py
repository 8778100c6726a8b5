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

from sparselab.core.errors import FileError, SettingError, SparselabError
from sparselab.core.layout import Layout
from sparselab.core.mask import Mask
from sparselab.nn import Converted, convert, largest_difference, load, load_layouts, masked, save_layouts
from sparselab.transforms import Regroup
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


def test_layers_that_stay_dense_keep_no_pruning_pairs_so_that_the_plain_network_loads_the_file(tmp_path: Path) -> None:
    def plain() -> nn.Module:
        return nn.Sequential(nn.Linear(16, 32), nn.Linear(32, 32), nn.Linear(32, 4)).eval()

    model = plain()
    for layer, amount in zip(model, (0.2, 0.9, 0.0), strict=True):
        prune.l1_unstructured(layer, "weight", amount=amount)
    done, x = convert(model), torch.randn(3, 16)
    assert done.swapped == ("1.weight",)
    done.save(tmp_path / "fast.safetensors")
    loaded = load(tmp_path / "fast.safetensors", plain())
    assert loaded.swapped == ("1",)
    torch.testing.assert_close(loaded.model(x), model(x))
    partly = convert(
        model, {"1": Layout.masked(mask := Mask(model[1].weight_mask.numpy() != 0), mask, reason="as it is")}
    )
    partly.save(tmp_path / "pairs.safetensors")
    with pytest.raises(FileError, match=r"pruning pair of 0\.weight"):
        load(tmp_path / "pairs.safetensors", plain())


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
    """Write a file again with other tensors, or with another first layer in its metadata; None leaves a part out."""
    with safe_open(path, framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        document = json.loads(file.metadata()["sparselab"])
    told = document["layers"][0]
    for name, value in changes.items():
        if name in told:
            told.pop(name) if value is None else told.update({name: value})
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
    """The state in the file has the digest of its layout; files of older versions have no other."""
    converted(0).save(tmp_path / "a")
    converted(1).save(tmp_path / "b")
    with safe_open(tmp_path / "b", framework="pt") as file:
        theirs = {f"block_{part}": file.get_tensor(f"layout.0.block_{part}") for part in ("rows", "cols", "shapes")}
    rewritten(tmp_path / "a", digests=None, **theirs)
    with pytest.raises(FileError, match="expected values of the layout"):
        load(tmp_path / "a", small_network(bias=True))


def pruned_network() -> tuple[nn.Module, dict[str, Layout]]:
    """A network under torch.nn.utils.prune, and layouts of its masks."""
    model = small_network(bias=True)
    for name in prunable(model):
        prune.l1_unstructured(model.get_submodule(name), "weight", amount=0.8)
    names = list(prunable(model))[:4]
    return model, {n: Regroup(rows_per_group=8)(model.get_submodule(n).weight, device="cpu") for n in names}


def test_loaded_layouts_give_the_same_converted_model(tmp_path: Path) -> None:
    model, layouts = pruned_network()
    save_layouts(layouts, tmp_path / "layouts")
    back, here = load_layouts(tmp_path / "layouts"), convert(model, layouts)
    assert {name: of.blocks for name, of in back.items()} == {name: of.blocks for name, of in layouts.items()}
    there = convert(model, back)
    assert there.swapped == here.swapped
    assert all(torch.equal(mine, there.model.state_dict()[name]) for name, mine in here.model.state_dict().items())
    convert(masked(model, layouts), back, strict=True)  # the layout was applied before
    here.save(tmp_path / "fast")
    assert load_layouts(tmp_path / "fast").keys() == {name.removesuffix(".weight") for name in here.swapped}
    with pytest.raises(FileError, match="holds layouts alone"):
        load(tmp_path / "layouts", small_network(bias=True))


def test_loaded_layouts_of_another_weight_are_refused_by_their_digests(tmp_path: Path) -> None:
    model, layouts = pruned_network()
    save_layouts(layouts, tmp_path / "layouts")
    back, name = load_layouts(tmp_path / "layouts"), next(iter(layouts))
    mask = model.get_submodule(name).weight_mask
    mask.copy_(mask.flip(0))
    with pytest.raises(
        SettingError, match=f"^{name}: expected a weight of the mask {layouts[name].before.digest[:12]}"
    ):
        convert(model, back)
    convert(model, dict(back))  # said to be meant


def test_what_a_file_of_layouts_says_of_itself_is_checked(tmp_path: Path) -> None:
    """Digests, and blocks larger than their weight before they take the time to be laid out."""
    converted().save(tmp_path / "fast")
    rewritten(tmp_path / "fast", digests={"before": "0" * 64, "after": "0" * 64})
    with pytest.raises(FileError, match="of the digests that the file says"):
        load_layouts(tmp_path / "fast")
    many = 10**6
    rewritten(
        tmp_path / "fast",
        block_rows=torch.zeros(many, dtype=torch.int64),
        block_cols=torch.zeros(many, dtype=torch.int64),
        block_shapes=torch.tensor([[many, many]]),
    )
    with pytest.raises(FileError, match=f"got {many**2} weights in 16 x 27"):
        load_layouts(tmp_path / "fast")
    with pytest.raises(SettingError, match="expected a layout; got a int"):
        save_layouts({"0": 3}, tmp_path / "layouts")
