"""A pruned checkpoint means the same in every form in which people keep one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import prune

from sparselab.training.engine.initial import initial
from sparselab.training.network import Network
from sparselab.training.settings import TrainSettings

State = Mapping[str, Tensor]
FORMS: Mapping[str, Callable[[State], Any]] = {
    "plain": lambda state: state,
    "in an epoch's record": lambda state: {"epoch": 3, "model": state, "optimizer": {}},
    "under model_state_dict": lambda state: {"model_state_dict": state},
    "of DataParallel": lambda state: {"state_dict": {f"module.{name}": value for name, value in state.items()}},
    "of torch.compile": lambda state: {f"_orig_mod.{name}": value for name, value in state.items()},
}


def small() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Flatten(), nn.Linear(8, 16), nn.Linear(16, 4))


@pytest.mark.parametrize("permanent", [False, True], ids=["pairs", "zeros"])
@pytest.mark.parametrize("form", FORMS)
def test_every_usual_form_begins_with_all_weights_and_the_masks(form: str, permanent: bool, tmp_path: Path) -> None:
    model = small()
    model[1].weight.data.uniform_(1, 2)
    prune.l1_unstructured(model[3], "weight", amount=0.75)  # type: ignore[no-untyped-call]
    kept, mask = model[3].weight.detach().clone(), model[3].weight_mask.bool()
    if permanent:
        prune.remove(model[3], "weight")  # type: ignore[no-untyped-call]
    torch.save(FORMS[form](model.state_dict()), tmp_path / "pruned.pt")
    fresh = small()
    network = Network(fresh, {"3": fresh[3].weight}, torch.device("cpu"))  # type: ignore[dict-item]
    said: list[str] = []
    start = initial(TrainSettings(from_file=str(tmp_path / "pruned.pt"), method="dense"), network, said.append)
    assert not said, "nothing begins fresh"
    assert torch.equal(start.state["1.weight"], model[1].weight)
    assert torch.equal(start.state["3.weight"] * start.masks["3"], kept)
    assert torch.equal(start.masks["3"], mask)
