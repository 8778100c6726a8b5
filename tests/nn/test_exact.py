"""`convert` without layouts: a pruned model as it is, nothing dropped, by the exact kernel."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import prune

from sparselab.core.layout import Layout
from sparselab.core.mask import Mask
from sparselab.kernels import exact_kernel
from sparselab.nn import BlockConv1d, BlockConv2d, BlockLinear, convert, largest_difference

LAYERS = {
    "linear": (lambda: nn.Linear(70, 40), (5, 3, 70)),
    "one position": (lambda: nn.Linear(70, 40), (1, 70)),
    "convolution": (lambda: nn.Conv2d(8, 20, 3, stride=2, padding=1), (2, 8, 13, 9)),
    "in groups": (lambda: nn.Conv2d(8, 20, 3, padding=1, groups=2, bias=False), (2, 8, 7, 9)),
    "sequence": (lambda: nn.Conv1d(8, 20, 5, padding=2), (2, 8, 30)),
}


def pruned(layer: nn.Module, amount: float = 0.8) -> nn.Module:
    prune.l1_unstructured(layer, "weight", amount=amount)
    return layer


@pytest.mark.parametrize("name", LAYERS)
def test_a_pruned_layer_gives_what_it_gave(name: str) -> None:
    make, shape = LAYERS[name]
    model = nn.Sequential(pruned(make()))
    done = convert(model)
    assert done.swapped == ("0.weight",)
    assert isinstance(done.model[0], BlockLinear | BlockConv1d | BlockConv2d)
    kept = int(model[0].weight_mask.sum())
    assert done.model[0].values.numel() == kept, "every weight that was kept, and no other"
    x = torch.randn(shape)
    assert largest_difference(done.model, model, x) < 1e-5
    for other in (copy.deepcopy(done.model), pickle.loads(pickle.dumps(done.model))):
        assert largest_difference(other, model, x) < 1e-5


def test_gradients_reach_the_kept_weights_alone() -> None:
    for name in ("linear", "convolution"):
        make, shape = LAYERS[name]
        model = nn.Sequential(pruned(make()))
        fast, x = convert(model).model, torch.randn(shape)
        fast(x).square().sum().backward()
        model(x).square().sum().backward()
        rows, cols = fast[0].panel_indices.flat
        dense = model[0].weight_orig.grad.reshape(model[0].weight.shape[0], -1)
        assert torch.allclose(fast[0].values.grad, dense[rows, cols], rtol=1e-3, atol=1e-4)


def test_layers_that_stay_say_why() -> None:
    model = nn.Sequential(nn.Linear(20, 20), pruned(nn.Linear(20, 20), 0.3), pruned(nn.Linear(20, 20), 0.9))
    done = convert(model)
    assert done.swapped == ("2.weight",)
    assert done.stayed["0.weight"] == "every weight is kept"
    assert "keeps 70% of its weights" in done.stayed["1.weight"]
    assert largest_difference(done.model, model, torch.randn(4, 20)) < 1e-5


def test_a_type_that_no_exact_kernel_multiplies_stays_dense() -> None:
    model = nn.Sequential(pruned(nn.Linear(40, 40), 0.9)).bfloat16()
    done = convert(model)
    assert not done.swapped
    assert "float32" in done.stayed["0.weight"]


def test_under_autocast_the_dense_product_runs() -> None:
    model = nn.Sequential(pruned(nn.Linear(40, 30), 0.9)).eval()
    fast, x = convert(model).model, torch.randn(6, 40)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        y, expected = fast(x), model(x)
    assert y.dtype == expected.dtype == torch.bfloat16
    assert torch.allclose(y.float(), expected.float(), atol=0.05)


def test_a_mask_after_pruning_runs_where_the_exact_kernel_is_named() -> None:
    """The weights that the mask drops are gone, in groups too."""
    kept = np.random.default_rng(0).random((20, 36)) < 0.2
    layout = Layout.masked(Mask(np.ones((20, 36), bool)), Mask(kept), reason="pruned")
    model = nn.Sequential(nn.Conv2d(8, 20, 3, groups=2))
    done = convert(model, {"0": layout}, kernels={"0": exact_kernel()})
    assert done.swapped == ("0",)
    dense = copy.deepcopy(model)
    with torch.no_grad():
        dense[0].weight.mul_(torch.from_numpy(kept).view(20, 4, 3, 3))
    assert largest_difference(done.model, dense, torch.randn(2, 8, 9, 9)) < 1e-5
