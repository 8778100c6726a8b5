"""The lines that are printed after writing load the file into the model it came from, and assert that nothing was passed by."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn.utils import prune

from sparselab.formats import FORMS, WRITERS, read_ticket, write_back
from sparselab.formats.writing.recipe import recipe_for
from sparselab.transforms import Regroup
from tests.formats.writing.state_files import state_file


def _compiled(model: nn.Module) -> nn.Module:
    return torch.compile(model, backend="eager")  # another one takes seconds to import, and changes no name


WRAP: dict[str, Callable[[nn.Module], nn.Module]] = {
    "plain": lambda model: model,
    "DataParallel": nn.DataParallel,
    "compiled": _compiled,
    "both": lambda model: nn.DataParallel(_compiled(model)),
    "inner compiled": lambda model: nn.Sequential(_compiled(model[0]), *model[1:]),
}


def network() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(4, 16, 3), nn.BatchNorm2d(16), nn.Flatten(), nn.Linear(16, 8))


def layers_of(model: nn.Module) -> list[nn.Module]:
    return [module for module in model.modules() if isinstance(module, nn.Conv2d | nn.Linear)]


def trained(seed: int, wrap: str, *, pairs: bool) -> nn.Module:
    """A model with weights, biases and buffers of its own, pruned to a third, by prune's pairs or by plain zeros."""
    torch.manual_seed(seed)
    model = network()
    model[1].running_mean = torch.randn(16)
    for layer in layers_of(model):
        nn.init.normal_(layer.bias)
        prune.l1_unstructured(layer, "weight", 0.7)
        if not pairs:
            prune.remove(layer, "weight")
    return WRAP[wrap](model)


def run_recipe(recipe: str, model: nn.Module) -> dict[str, object]:
    names: dict[str, object] = {"model": model}
    exec(compile(recipe, "recipe", "exec"), names)
    return names


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("wrap", WRAP)
@pytest.mark.parametrize("pairs", [True, False], ids=["from pairs", "from zeros"])
def test_the_recipe_loads_the_file_into_a_model_of_the_same_kind(
    pairs: bool, wrap: str, form: str, tmp_path: Path
) -> None:
    model = trained(1, wrap, pairs=pairs)
    source = state_file("torch", model.state_dict(), tmp_path / "old")
    ticket = read_ticket(source)
    assert len(ticket) == 2
    layouts = {layer.name: Regroup(rows_per_group=4)(layer) for layer in ticket}
    for format in WRITERS:
        written = write_back(source, layouts, tmp_path / f"new.{'pt' if format == 'torch' else format}", form=form)
        assert written.format == format
        fresh = WRAP[wrap](network())
        result = run_recipe(written.recipe, fresh)["result"]
        assert (result.unexpected_keys, result.missing_keys) == ([], [])
        for layer, before, layout in zip(layers_of(fresh), layers_of(model), layouts.values(), strict=True):
            assert torch.equal(layer.bias, before.bias)
            effective = layer.weight_orig * layer.weight_mask if hasattr(layer, "weight_orig") else layer.weight
            assert hasattr(layer, "weight_orig") == (form == "pairs" or (form == "own" and pairs))
            kept = torch.tensor(layout.after.kept).reshape(layer.weight.shape)
            assert not effective[~kept].any()
            covered = torch.tensor(layout.covered.kept).reshape(layer.weight.shape)
            assert torch.equal(effective[covered], before.weight[covered])
            if pairs:  # the file has the weights under the mask
                assert torch.equal(effective, before.weight_orig * kept)
        norms = [
            [each.running_mean for each in m.modules() if isinstance(each, nn.BatchNorm2d)] for m in (fresh, model)
        ]
        assert torch.equal(norms[0][0], norms[1][0])


def test_the_recipe_says_when_a_model_is_wrapped_in_another_way(tmp_path: Path) -> None:
    """What `strict=False` alone passes over: nothing would be loaded, and nothing said."""
    source = state_file("torch", trained(1, "DataParallel", pairs=False).state_dict(), tmp_path / "old")
    written = write_back(source, {}, tmp_path / "new.pt")
    with pytest.raises(AssertionError, match=r"module\.0\.weight"):
        run_recipe(written.recipe, network())


def test_masks_in_a_container_stay_there(tmp_path: Path) -> None:
    model = trained(1, "DataParallel", pairs=False)
    masks = {"module.0.weight": model.module[0].weight != 0}
    checkpoint = {"state_dict": model.state_dict(), "masks": masks, "epoch": 3, "optimizer": {"lr": 0.1}}
    torch.save(checkpoint, tmp_path / "old.pt")
    layer = read_ticket(tmp_path / "old.pt")["0.weight"]
    layout = Regroup(rows_per_group=4)(layer)
    written = write_back(tmp_path / "old.pt", {"0.weight": layout}, tmp_path / "new.pt")
    assert written.notes == ("left out, because a state_dict holds tensors alone: epoch, optimizer",)
    fresh = nn.DataParallel(network())
    names = run_recipe(written.recipe, fresh)
    kept = torch.tensor(layout.after.kept).reshape(16, 4, 3, 3)
    assert torch.equal(names["masks"]["masks"]["module.0.weight"], kept)
    assert not fresh.module[0].weight[~kept].any(), "the file's weights were 0 where their mask drops them"
    assert read_ticket(tmp_path / "new.pt")["0.weight"].mask == layout.after
    flat = write_back(tmp_path / "old.pt", {"0.weight": layout}, tmp_path / "new.safetensors")
    assert read_ticket(flat.path)["0.weight"].mask == layout.after


def test_the_document_shows_the_recipe_that_is_printed() -> None:
    text = (Path(__file__).resolve().parents[3] / "docs" / "write_back.md").read_text(encoding="utf-8")
    assert recipe_for("torch", "NEW.pt", masks=False).replace("'NEW.pt'", '"NEW.pt"') in text
