"""A run that begins with a checkpoint or a ticket goes on from its weights, its masks, or both."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import sparselab.training
from sparselab.core.errors import FileError, SettingError
from sparselab.training.engine.checkpoint import read_checkpoint
from sparselab.training.runs.paths import RunPaths
from tests.training.tiny import tiny

SMALL = vars(tiny(then="", levels=2, rewind_epoch=0.0))


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("source") / "run"
    sparselab.training.run(folder, **SMALL)
    return folder


@pytest.mark.parametrize("file", ["models", "tickets"])
@pytest.mark.parametrize("take", ["both", "weights", "masks"])
def test_imp_goes_on_from_a_file(source: Path, tmp_path: Path, file: str, take: str) -> None:
    path = source / file / "level-02.safetensors"
    view = sparselab.training.run(tmp_path / "run", **SMALL | {"from_file": str(path), "take": take, "levels": 1})
    old, new = (read_checkpoint(RunPaths(folder).model(stage)) for folder, stage in
                ((source, "level-02"), (tmp_path / "run", "rewind")))  # fmt: skip
    kept = sum(int(mask.sum()) for mask in old.part("mask").values())
    size = view.stages[0]["size"]
    first = size if take == "weights" else kept
    assert [entry["kept"] for entry in view.stages] == [first, round(0.8 * first)]
    for name, mask in new.part("mask").items():
        assert torch.equal(mask, old.part("mask")[name] if take != "weights" else torch.ones_like(mask))
        weight, was = new.part("model")[f"{name}.weight"], old.part("model")[f"{name}.weight"]
        assert torch.equal(weight, was) == (take != "masks")


def test_a_transform_is_tuned_from_a_ticket(source: Path, tmp_path: Path) -> None:
    path = source / "tickets" / "level-02.safetensors"
    given = SMALL | {"method": "dense", "then": "refill@0", "from_file": str(path)}
    level, refilled = sparselab.training.run(tmp_path / "run", **given).stages
    kept = sum(int(mask.sum()) for mask in read_checkpoint(RunPaths(source).model("level-02")).part("mask").values())
    assert (level["kept"], refilled["then"]["transform"]) == (kept, "refill")


def test_a_checkpoint_with_pruning_pairs_gives_all_that_it_holds(source: Path, tmp_path: Path) -> None:
    kept = read_checkpoint(RunPaths(source).model("level-02"))
    state, path = kept.part("model"), tmp_path / "pairs.pt"
    for name, mask in kept.part("mask").items():
        weight = state.pop(f"{name}.weight")
        state |= {f"{name}.weight_orig": weight + (1 - mask.to(weight.dtype)), f"{name}.weight_mask": mask.float()}
    torch.save({"model_state_dict": {f"module.{name}": value for name, value in state.items()}}, path)
    sparselab.training.run(tmp_path / "run", **SMALL | {"from_file": str(path), "levels": 1})
    begun = read_checkpoint(RunPaths(tmp_path / "run").model("rewind"))
    for part in ("model", "mask"):
        for name, value in kept.part(part).items():
            assert torch.equal(begun.part(part)[name], value), name


def test_a_state_dict_of_torch_is_a_start_and_another_networks_is_refused(source: Path, tmp_path: Path) -> None:
    state = read_checkpoint(RunPaths(source).model("level-00")).part("model")
    torch.save(state, tmp_path / "weights.pt")
    given = SMALL | {"method": "rigl", "from_file": str(tmp_path / "weights.pt"), "take": "weights"}
    assert sparselab.training.run(tmp_path / "run", **given).info.status == "finished"
    torch.save({"fc.weight": torch.eye(4)}, tmp_path / "other.pt")
    with pytest.raises(FileError, match="expected the weights of this network"):
        sparselab.training.run(
            tmp_path / "other", **SMALL | {"from_file": str(tmp_path / "other.pt"), "take": "weights"}
        )
    path = source / "tickets" / "level-02.safetensors"
    with pytest.raises(SettingError, match="chooses its own"):
        sparselab.training.run(tmp_path / "rigl", **SMALL | {"method": "rigl", "from_file": str(path)})
    assert not (tmp_path / "other").exists()
    assert not (tmp_path / "rigl").exists()
