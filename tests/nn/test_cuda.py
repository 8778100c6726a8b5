"""Layers and models in blocks on a CUDA device: what runs them is tried, and their numbers are the dense layers'."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch import nn

from sparselab.kernels import KERNELS
from sparselab.nn import BlockConv2d, BlockLinear, convert
from sparselab.nn.block_module import BlockModule
from tests.kernels.random_layers import random_layout

pytestmark = pytest.mark.gpu

DTYPES = {torch.float32: 1e-4, torch.bfloat16: 2e-2, torch.float16: 2e-3}


@pytest.fixture(autouse=True)
def _exact(monkeypatch: pytest.MonkeyPatch) -> None:
    """torch's float32 convolutions are tf32 unless they are asked to be exact."""
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)


def blocks(kind: str, kernel: str = "auto") -> tuple[BlockModule, nn.Module, torch.Tensor]:
    """Return a layer in blocks on the device, the masked dense one, and an input."""
    torch.manual_seed(0)
    dense: nn.Linear | nn.Conv2d = nn.Linear(96, 128) if kind == "linear" else nn.Conv2d(16, 128, 3, padding=1)
    layout = random_layout(np.random.default_rng(1), "two groups a row", 128, dense.weight[0].numel())
    block = BlockLinear(layout, dense, kernel) if isinstance(dense, nn.Linear) else BlockConv2d(layout, dense, kernel)
    x = torch.randn(40, 96) if kind == "linear" else torch.randn(3, 16, 9, 10)
    return block.cuda(), block.dense().cuda(), x.cuda()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kernel", ["auto", "triton-blocks"])
@pytest.mark.parametrize("kind", ["linear", "conv"])
def test_a_layer_gives_the_dense_layers_numbers(kind: str, kernel: str, dtype: torch.dtype) -> None:
    block, dense, x = blocks(kind, kernel)
    block, x = block.to(dtype), x.to(dtype)
    with torch.inference_mode():
        exact = dense.double()(x.double())
        for _ in range(3):  # the first call prepares and tries, the second goes the direct way
            error = (block(x).double() - exact).abs().max() / exact.abs().max()
            assert error <= DTYPES[dtype]
        assert block(x[1:]).double().sub(exact[1:]).abs().max() <= DTYPES[dtype] * exact.abs().max()
        named = block.runs_as(x)
    assert named in KERNELS
    assert kernel == "auto" or named == kernel


@pytest.mark.parametrize("kind", ["linear", "conv"])
def test_a_layer_trains_as_the_dense_one(kind: str) -> None:
    block, dense, x = blocks(kind, "triton-blocks")
    slopes = []
    for layer in (block, dense):
        mine = x.clone().requires_grad_()
        layer(mine).sin().sum().backward()
        slopes.append(mine.grad)
    assert torch.allclose(*slopes, atol=1e-4)
    whole = dense.weight.grad.reshape(128, -1)
    assert torch.allclose(block.values.grad, whole[block.panel_indices.flat], atol=1e-3)


def test_a_converted_model_answers_as_before() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 32, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(32 * 64, 16)).cuda().eval()
    with torch.no_grad():
        for layer in (model[0], model[3]):
            layer.weight.mul_(torch.rand_like(layer.weight) < 0.2)
    fast = convert(copy.deepcopy(model)).model
    x = torch.randn(4, 3, 8, 8, device="cuda")
    with torch.inference_mode():
        assert torch.allclose(fast(x), model(x), atol=1e-4)
