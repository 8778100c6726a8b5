"""Training through blocks: the same gradients and the same weights as a masked dense layer, by the kernel that trains."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch import nn

from sparselab.core.layout import Block, Layout
from sparselab.core.mask import Mask
from sparselab.kernels import KERNELS
from sparselab.kernels.native.blocks import NativeBlocks
from sparselab.kernels.torch_ops.gather_step import GatherStep
from sparselab.nn import BlockLinear, convert, masked
from sparselab.nn.block_module import BlockModule
from tests.nn.networks import block_layout, matrix_shape, prunable, small_network
from tests.nn.test_modules import layer_and_block

KINDS = pytest.mark.parametrize("kind", ["linear", "conv"])


@KINDS
def test_a_step_runs_and_touches_the_dense_weight_never(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _, block, x, _ = layer_and_block(kind, True)
    block(x)  # prepares the step
    monkeypatch.setattr(BlockModule, "matrix", lambda *_: pytest.fail("the dense weight was made"))
    block(x.requires_grad_()).square().sum().backward()
    assert x.grad is not None
    assert block.values.grad is not None
    assert block.bias.grad is not None


@KINDS
def test_gradients_of_gradients_are_those_of_the_dense_layer(kind: str) -> None:
    dense, block, x, layout = layer_and_block(kind, True)
    penalties = []
    for layer, weight in ((block, block.values), (dense, dense.weight)):
        mine = x.clone().requires_grad_()
        (slope,) = torch.autograd.grad(layer(mine).sin().sum(), mine, create_graph=True)
        penalties.append(torch.autograd.grad(slope.square().sum(), (mine, weight)))
    (mine_x, mine_w), (x_grad, w_grad) = penalties
    assert torch.allclose(mine_x, x_grad, atol=1e-3, rtol=1e-3)
    whole = w_grad.reshape(layout.after.shape)[block.panel_indices.flat]
    assert torch.allclose(mine_w, whole, atol=1e-3, rtol=1e-3)


@KINDS
def test_what_needs_no_gradient_gets_none(kind: str) -> None:
    _, block, x, _ = layer_and_block(kind, True)
    block.values.requires_grad_(False)
    x.requires_grad_()
    block(x).sum().backward()
    assert block.values.grad is None
    assert x.grad is not None
    assert block.bias.grad is not None


def test_a_network_trains_as_the_masked_one() -> None:
    model, rng = small_network(bias=True).train(), np.random.default_rng(0)
    layouts = {name: block_layout(shape, rng) for name, shape in prunable(model).items()}
    fast, slow = convert(model, layouts).model, masked(model, layouts)
    masks = {name: value != 0 for name, value in slow.named_parameters() if value.dim() > 1}
    for step in range(4):
        x = torch.randn(4, 3, 12, 12, generator=torch.Generator().manual_seed(step))
        losses = []
        for network in (fast, slow):
            optimizer = torch.optim.SGD(network.parameters(), lr=0.05)
            optimizer.zero_grad()
            loss = network(x).square().mean()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        with torch.no_grad():
            for name, mask in masks.items():
                slow.get_parameter(name).mul_(mask)
        assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    x = torch.randn(2, 3, 12, 12)
    assert torch.allclose(fast.eval()(x), slow.eval()(x), atol=1e-4)


def test_rows_in_two_groups_train_too() -> None:
    """As `second_share` lays them out."""
    rows, cols = np.arange(24), np.arange(40)
    blocks = [Block(rows[:16], cols[:10]), Block(rows[8:], cols[20:33]), Block(rows[16:], cols[:7])]
    layout = Layout.from_blocks(Mask(np.zeros((24, 40), bool)), blocks, reason="")
    dense = nn.Linear(40, 24)
    block, x = BlockLinear(layout, dense), torch.randn(33, 40)
    with torch.no_grad():
        dense.weight.mul_(torch.from_numpy(layout.after.kept.copy()))
    for layer in (block, dense):
        layer(x).square().sum().backward()
    assert block._step[0] is not None
    assert torch.allclose(block.values.grad, dense.weight.grad[block.panel_indices.flat], rtol=1e-4, atol=1e-3)


@KINDS
def test_without_a_compiler_tensor_operations_train_the_blocks(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Among the kernels that train, the next in order."""
    monkeypatch.setattr(NativeBlocks, "unsupported_reason", lambda *_: "there is no C compiler here")
    monkeypatch.setattr(BlockModule, "dense_product", lambda *_: pytest.fail("the layer ran dense"))
    dense, block, x, layout = layer_and_block(kind, True)
    for layer in (block, dense):
        layer(x).square().sum().backward()
    assert isinstance(block.step, GatherStep)
    whole = dense.weight.grad.reshape(layout.after.shape)[block.panel_indices.flat]
    assert torch.allclose(block.values.grad, whole, rtol=1e-3, atol=1e-3)


@KINDS
def test_without_a_kernel_that_trains_the_dense_weight_does(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    dense, block, x, layout = layer_and_block(kind, True)
    for name, kernel in KERNELS.items():
        if kernel.trains:
            monkeypatch.setattr(type(KERNELS[name]), "unsupported_reason", lambda *_: "there is no C compiler here")
    other = copy.deepcopy(block)
    for layer in (other, dense):
        layer(x).square().sum().backward()
    assert other._step == (None,)
    assert matrix_shape(dense) == layout.after.shape
    whole = dense.weight.grad.reshape(layout.after.shape)[block.panel_indices.flat]
    assert torch.allclose(other.values.grad, whole, rtol=1e-3, atol=1e-3)
