"""`transform --layouts`: what is written is what the transform made, for the model that the file is of."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from sparselab.cli import main
from sparselab.formats import read_ticket
from sparselab.nn import convert, load_layouts
from sparselab.transforms import Regroup

CALL = ("regroup", "--rows-per-group", "8", "--device", "cpu")


@pytest.fixture
def model() -> nn.Module:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(4, 16, 3), nn.Flatten(), nn.Linear(64, 24))
    with torch.no_grad():
        for layer in (model[0], model[2]):
            layer.weight.mul_(torch.rand_like(layer.weight) < 0.3)
    return model


def test_layouts_of_a_checkpoint_convert_the_model(model: nn.Module, tmp_path: Path) -> None:
    file, out = tmp_path / "model.pt", tmp_path / "layouts.safetensors"
    torch.save(model.state_dict(), file)
    assert main(["transform", str(file), *CALL, "--layouts", str(out)]) == 0
    found, ticket = load_layouts(out), read_ticket(file)
    made = {name: Regroup(rows_per_group=8)(ticket[name], device="cpu") for name in ticket.names}
    assert {name: of.blocks for name, of in found.items()} == {name: of.blocks for name, of in made.items()}
    assert convert(model, found, strict=True).swapped == ("0.weight", "2.weight")


def test_no_file_is_replaced_unasked_and_file_never(
    model: nn.Module, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, out = tmp_path / "model.pt", tmp_path / "layouts.safetensors"
    torch.save(model.state_dict(), file)
    before = file.read_bytes()
    out.write_bytes(b"mine")
    assert main(["transform", str(file), *CALL, "--layouts", str(out)]) == 2
    assert "--force" in capsys.readouterr().err
    for other in (["--layouts", str(file)], ["--out", str(tmp_path / "new.pt"), "--layouts", str(tmp_path / "new.pt")]):
        assert main(["transform", str(file), *CALL, *other, "--force"]) == 2
        assert "--layouts: expected a file of its own" in capsys.readouterr().err
    assert file.read_bytes() == before
    assert out.read_bytes() == b"mine"
