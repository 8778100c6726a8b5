"""A converted model in a dense one's place: its state, its memory format, compiled, traced, and dense again."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest
import torch
from torch import fx, nn

from sparselab.nn import block_module, convert, dense, largest_difference, masked
from sparselab.nn.support import compiled_ops
from tests.nn.networks import block_layout, prunable, small_network
from tests.nn.test_modules import layer_and_block

KINDS = pytest.mark.parametrize("kind", ["linear", "conv"])


def converted(seed: int = 0) -> tuple[nn.Module, nn.Module]:
    """A converted network and the masked one."""
    model, rng = small_network(bias=True), np.random.default_rng(seed)
    layouts = {name: block_layout(shape, rng) for name, shape in prunable(model).items()}
    return convert(model, layouts).model, masked(model, layouts)


def test_a_state_of_another_layout_is_refused_and_changes_nothing() -> None:
    (mine, _), (theirs, _) = converted(0), converted(1)
    before = copy.deepcopy(mine.state_dict())
    shapes = [{name: value.shape for name, value in model.state_dict().items()} for model in (mine, theirs)]
    assert shapes[0] == shapes[1], "sizes alone tell nothing"
    with pytest.raises(RuntimeError, match=r"0: expected values of the layout [0-9a-f]{12}; got those of [0-9a-f]{12}"):
        mine.load_state_dict(theirs.state_dict())
    for name in ("0", "3", "7", "11", "13"):
        assert mine.get_submodule(name).values.equal(before[f"{name}.values"])


def test_a_state_of_the_same_layout_loads_in_every_way() -> None:
    (mine, _), (same, _) = converted(0), converted(0)
    with torch.no_grad():
        same.get_parameter("0.values").mul_(2)
    for state in (same.state_dict(), pickle.loads(pickle.dumps(same.state_dict()))):
        for assign in (False, True):
            other = copy.deepcopy(mine)
            other.load_state_dict(state, assign=assign)
            assert other.get_parameter("0.values").equal(same.get_parameter("0.values"))
    other = copy.deepcopy(mine).to("meta").to_empty(device="cpu")
    other.load_state_dict(same.state_dict())
    assert largest_difference(other, same, torch.randn(2, 3, 12, 12)) < 1e-5


def test_a_state_without_digests_loads_as_it_did() -> None:
    (mine, _), (same, _) = converted(0), converted(0)
    old = {name: value for name, value in same.state_dict().items() if not name.endswith("layout_digest")}
    assert not any(mine.load_state_dict(old))
    with pytest.raises(RuntimeError, match="values"):
        mine.load_state_dict({name: value for name, value in old.items() if name != "0.values"})


@KINDS
def test_outputs_lie_in_memory_as_the_dense_layers(kind: str) -> None:
    layer, block, x, _ = layer_and_block(kind, True)
    last = x.contiguous(memory_format=torch.channels_last) if kind == "conv" else x.transpose(0, 1)
    for given in (x, last, x[:1]):
        for grad in (True, False):
            with torch.set_grad_enabled(grad):
                assert block(given).stride() == layer(given).stride()


def test_dense_again() -> None:
    fast, slow = converted()
    again = dense(fast)
    assert [type(layer) for layer in again] == [type(layer) for layer in slow]
    assert largest_difference(again, slow, torch.randn(2, 3, 12, 12)) < 1e-5
    assert [tuple(value.shape) for value in again.state_dict().values()] == [
        tuple(value.shape) for value in slow.state_dict().values()
    ]
    assert isinstance(dense(fast[0]), nn.Conv2d)
    encoder = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True).eval()
    layouts = {"linear1": block_layout((32, 16), np.random.default_rng(0))}
    done = convert(encoder, layouts)
    assert done.model.activation_relu_or_gelu == 0
    assert dense(done.model).activation_relu_or_gelu == encoder.activation_relu_or_gelu


@KINDS
def test_prepared_kernels_outlive_a_change_of_mode(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _, block, x, _ = layer_and_block(kind, True)
    prepared, real = [], block_module.prepared_run
    monkeypatch.setattr(
        block_module, "prepared_run", lambda _, of, choice: prepared.append(of) or real(block, of, choice)
    )

    def infer() -> None:
        with torch.no_grad():
            block(x)

    infer()
    for _ in range(3):
        block.train()
        block(x)
        block.eval()
        infer()
    assert len(prepared) == 1
    block.values.data.mul_(2)
    block.train().eval()
    infer()
    assert len(prepared) == 2


def test_torch_fx_sees_a_layer_as_one_module() -> None:
    fast, slow = converted()
    graph = fx.symbolic_trace(fast)
    called = [node.target for node in graph.graph.nodes if node.op == "call_module"]
    assert {"0", "3", "7", "11", "13"} <= set(called)
    assert largest_difference(graph, slow, torch.randn(2, 3, 12, 12)) < 1e-4


@KINDS
def test_compiled_a_layer_is_an_operation_of_its_own(kind: str) -> None:
    """With the compiler's own backend left out: what it is given are the operations, forward and backward."""
    layer, block, x, _ = layer_and_block(kind, True)
    seen: list[str] = []

    def backend(graph: fx.GraphModule, _: Any) -> Any:
        seen.extend(str(node.target) for node in graph.graph.nodes)
        return graph.forward

    compiled = torch.compile(block, backend=backend, fullgraph=True)
    with torch.no_grad():
        assert torch.allclose(compiled(x), layer(x), atol=1e-4)
    assert any("block_product" in name for name in seen)
    results = []
    for run in (compiled, layer):
        mine = x.clone().requires_grad_()
        run(mine).sin().sum().backward()
        results.append(mine.grad)
    assert any("block_step" in name for name in seen)
    assert torch.allclose(*results, atol=1e-4)
    whole = layer.weight.grad.reshape(block.layout.after.shape)
    assert torch.allclose(block.values.grad, whole[block.panel_indices.flat], atol=1e-3)


@KINDS
def test_the_operations_are_what_torch_asks_of_them(kind: str) -> None:
    _, block, x, _ = layer_and_block(kind, True)
    mine = (x.reshape(-1, x.shape[-1]) if kind == "linear" else x).detach()
    given = (mine, block.values.detach(), block.bias.detach(), block._number)
    tests = ("test_schema", "test_faketensor")
    torch.library.opcheck(compiled_ops.block_product, given, test_utils=tests)
    grads = tuple(part.clone().requires_grad_() for part in given[:3])
    torch.library.opcheck(
        compiled_ops.block_step,
        (*grads, block._number),
        test_utils=(*tests, "test_autograd_registration"),
    )


@KINDS
def test_compiled_no_array_of_a_layout_is_looked_at_again(kind: str) -> None:
    """What is compared before every call of a compiled layer are numbers and tensors' shapes, whatever the size of the layer."""
    _, block, x, _ = layer_and_block(kind, True)
    looked_at: list[Any] = []

    def keep(guards: Any) -> list[bool]:
        looked_at.extend(guard.value for guard in guards)
        return [True] * len(guards)

    torch._dynamo.reset()
    for grad in (True, False):
        with torch.set_grad_enabled(grad):
            torch.compile(block, backend="eager", options={"guard_filter_fn": keep})(x)
    assert looked_at
    assert not any(isinstance(value, np.ndarray) for value in looked_at)
