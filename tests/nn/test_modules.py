"""Block layers: the forward pass is the masked layer's, and so is the backward pass where weights are kept."""

from __future__ import annotations

import copy
import io

import numpy as np
import pytest
import torch
from torch import nn

from sparselab.core.errors import SparselabError
from sparselab.core.layout import Layout
from sparselab.core.mask import Mask
from sparselab.nn import BlockConv2d, BlockLinear
from tests.nn.networks import block_layout, matrix_shape


def layer_and_block(kind: str, bias: bool, kernel: str = "auto") -> tuple[nn.Module, nn.Module, torch.Tensor, Layout]:
    """A masked dense layer, the block layer made of it, an input, and the layout."""
    torch.manual_seed(3)
    rng = np.random.default_rng(3)
    dense: nn.Linear | nn.Conv2d
    if kind == "linear":
        dense, x = nn.Linear(40, 24, bias=bias), torch.randn(5, 7, 40)
    else:
        dense, x = nn.Conv2d(6, 24, 3, stride=2, padding=1, bias=bias), torch.randn(3, 6, 9, 8)
    layout = block_layout(matrix_shape(dense), rng)
    make = BlockLinear if kind == "linear" else BlockConv2d
    block = make(layout, dense, kernel)
    with torch.no_grad():
        dense.weight.mul_(torch.from_numpy(layout.after.kept.copy()).view_as(dense.weight))
    return dense, block, x, layout


@pytest.mark.parametrize("kind", ["linear", "conv"])
@pytest.mark.parametrize("bias", [True, False])
def test_forward_with_and_without_gradients(kind: str, bias: bool) -> None:
    dense, block, x, _ = layer_and_block(kind, bias)
    with torch.no_grad():
        assert torch.allclose(block(x), dense(x), atol=1e-5)
    assert torch.allclose(block(x), dense(x), atol=1e-5)


@pytest.mark.parametrize("kind", ["linear", "conv"])
@pytest.mark.parametrize("kernel", ["gather-gemm", "native-blocks"])
def test_each_kernel_by_name(kind: str, kernel: str) -> None:
    dense, block, x, _ = layer_and_block(kind, True, kernel)
    with torch.no_grad():
        assert torch.allclose(block(x), dense(x), atol=1e-5)
        assert torch.allclose(block(x[:1]), dense(x[:1]), atol=1e-5)


@pytest.mark.parametrize("kind", ["linear", "conv"])
def test_backward_is_that_of_the_masked_layer(kind: str) -> None:
    dense, block, x, layout = layer_and_block(kind, True)
    mine, theirs = x.clone().requires_grad_(), x.clone().requires_grad_()
    slope = torch.randn_like(dense(x))
    (block(mine) * slope).sum().backward()
    (dense(theirs) * slope).sum().backward()
    assert torch.allclose(mine.grad, theirs.grad, atol=1e-4)
    full = dense.weight.grad.reshape(layout.after.shape)
    assert torch.allclose(block.values.grad, full[block.panel_indices.flat], atol=1e-4)
    assert torch.allclose(block.bias.grad, dense.bias.grad, atol=1e-4)
    assert block.values.numel() == layout.after.count, "what is dropped is not even stored"


def test_gradients_are_right_by_finite_differences() -> None:
    _, block, x, _ = layer_and_block("linear", True)
    block, x = block.double(), x[:1, :2].double().requires_grad_()
    assert torch.autograd.gradcheck(block, (x,))


@pytest.mark.parametrize("kind", ["linear", "conv"])
def test_new_values_are_seen(kind: str) -> None:
    """A prepared kernel must not outlive the values it was prepared from."""
    _, block, x, _ = layer_and_block(kind, True)
    with torch.no_grad():
        before = block(x)
        block.values.mul_(2.0)
        block.bias.mul_(2.0)
        assert torch.allclose(block(x), 2 * before, atol=1e-5)


@pytest.mark.parametrize("kind", ["linear", "conv"])
def test_state_dict_copy_and_pickle(kind: str) -> None:
    _, block, x, _ = layer_and_block(kind, True)
    _, other, _, _ = layer_and_block(kind, True)
    with torch.no_grad():
        y = block(x)
        other.values.zero_()
        other.load_state_dict(block.state_dict())
        assert torch.equal(other(x), y) or torch.allclose(other(x), y, atol=1e-6)
        assert torch.allclose(copy.deepcopy(block)(x), y, atol=1e-6)
        buffer = io.BytesIO()
        torch.save(block, buffer)
        buffer.seek(0)
        assert torch.allclose(torch.load(buffer, weights_only=False)(x), y, atol=1e-6)
    assert set(block.state_dict()) == {"values", "bias", "layout_digest"}


def test_a_layer_pickled_by_an_older_version() -> None:
    """It had rows and columns in two buffers, and no digest."""
    _, block, x, _ = layer_and_block("linear", True)
    older = block.__getstate__()
    rows, cols = (torch.from_numpy(of.copy()) for of in block.panel_indices.flat)
    older["_buffers"] = {"flat_rows": rows, "flat_cols": cols}
    older["_non_persistent_buffers_set"] = {"flat_rows", "flat_cols"}
    opened = BlockLinear.__new__(BlockLinear)
    opened.__setstate__(older)
    assert torch.equal(opened.weight, block.weight)
    assert torch.equal(opened(x), block(x))
    assert opened.state_dict().keys() == block.state_dict().keys()
    assert dict(opened.named_buffers()).keys() == dict(block.named_buffers()).keys()


@pytest.mark.parametrize("kind", ["linear", "conv"])
def test_export(kind: str) -> None:
    dense, block, x, _ = layer_and_block(kind, True)
    program = torch.export.export(block.eval(), (x,))
    assert torch.allclose(program.module()(x), dense(x), atol=1e-5)


def test_an_image_without_a_batch() -> None:
    dense, block, x, _ = layer_and_block("conv", True)
    with torch.no_grad():
        assert torch.allclose(block(x[0]), dense(x[0]), atol=1e-5)


def test_an_empty_batch() -> None:
    _, block, x, _ = layer_and_block("linear", True)
    with torch.no_grad():
        assert block(x[:0]).shape == (0, 7, 24)


def test_what_cannot_be_said_in_blocks_is_refused() -> None:
    mask = Mask(np.eye(4, dtype=bool))
    with pytest.raises(SparselabError, match="no blocks"):
        BlockLinear(Layout.masked(mask, mask, reason="pruned one by one"), nn.Linear(4, 4))
    _, _, _, layout = layer_and_block("linear", True)
    with pytest.raises(SparselabError, match="expected a layer of"):
        BlockLinear(layout, nn.Linear(3, 3))
    with pytest.raises(SparselabError, match="expected auto or one of"):
        BlockLinear(layout, nn.Linear(40, 24), "fastest")
    rng = np.random.default_rng(0)
    dilated = nn.Conv2d(8, 8, 3, dilation=2)
    with pytest.raises(SparselabError, match="plain convolution"):
        BlockConv2d(block_layout(matrix_shape(dilated), rng), dilated)
