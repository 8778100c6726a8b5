"""Block layers in the states a torch module can be in: types, devices, changed values, transforms, threads."""

from __future__ import annotations

import copy
import threading
from collections.abc import Mapping

import numpy as np
import pytest
import torch
from torch import nn
from torch.autograd import forward_ad

from sparselab.core.errors import SparselabError
from sparselab.kernels import DENSE
from sparselab.kernels.base import Run
from sparselab.nn import BlockConv2d, BlockLinear, block_module
from sparselab.nn.support import layer_kernels
from tests.nn.test_modules import layer_and_block

KINDS = pytest.mark.parametrize("kind", ["linear", "conv"])


def near(mine: torch.Tensor, theirs: torch.Tensor, tolerance: float = 1e-4) -> bool:
    assert mine.dtype == theirs.dtype
    assert mine.shape == theirs.shape
    mine, theirs = mine.detach(), theirs.detach()
    return float((mine - theirs).double().abs().max()) <= tolerance * max(1.0, float(theirs.double().abs().max()))


@KINDS
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_other_types(kind: str, dtype: torch.dtype) -> None:
    dense, block, x, _ = layer_and_block(kind, True)
    dense, block, x = dense.to(dtype), block.to(dtype), x.to(dtype)
    tolerance = 1e-10 if dtype == torch.float64 else 5e-2
    assert near(block(x), dense(x), tolerance)
    with torch.no_grad():
        assert near(block(x), dense(x), tolerance)


@KINDS
def test_autocast(kind: str) -> None:
    dense, block, x, _ = layer_and_block(kind, True)
    with torch.autocast("cpu", torch.bfloat16):
        block(x).float().sum().backward()
        for grad in (True, False):
            with torch.set_grad_enabled(grad):
                assert near(block(x), dense(x), 5e-2)
                assert near(block(x.bfloat16()), dense(x.bfloat16()), 5e-2)
    assert block.values.grad.dtype == torch.float32


@KINDS
@pytest.mark.parametrize("grad", [True, False])
def test_an_input_that_a_dense_layer_refuses(kind: str, grad: bool) -> None:
    _, block, x, _ = layer_and_block(kind, True)
    with torch.set_grad_enabled(grad):
        for wrong in (x.double(), x.int(), x.to("meta")):
            with pytest.raises(SparselabError, match="layer's values"):
                block(wrong)
        block(x)
        for wrong in (
            x[..., :5] if kind == "linear" else x[:, :5],
            torch.cat([x, x], dim=-1 if kind == "linear" else 1),
        ):
            with pytest.raises((SparselabError, RuntimeError), match="expected"):
                block(wrong)


@KINDS
def test_channels_last_and_one_row(kind: str) -> None:
    dense, block, x, _ = layer_and_block(kind, True)
    view = x[0, 0] if kind == "linear" else x.contiguous(memory_format=torch.channels_last)
    assert near(block(view), dense(view))
    with torch.no_grad():
        assert near(block(view), dense(view))


@KINDS
def test_every_way_to_change_values_is_seen(kind: str) -> None:
    _, block, x, _ = layer_and_block(kind, True)

    def replace() -> None:
        block.bias = nn.Parameter(torch.randn_like(block.bias))

    def assign() -> None:
        state = {name: value * (1 if name == "layout_digest" else 3) for name, value in block.state_dict().items()}
        block.load_state_dict(state, assign=True)

    def fused() -> None:
        optimizer = torch.optim.SGD(block.parameters(), lr=0.1, fused=True)  # which torch does not count as a change
        with torch.enable_grad():
            block(x).pow(2).sum().backward()
        optimizer.step()

    def behind_its_back() -> None:
        block.train()
        block.values.data.mul_(2)
        block.eval()

    def told() -> None:
        block.values.data.mul_(2)
        block.forget()

    with torch.no_grad():
        before = block.eval()(x)
        for change in (replace, assign, fused, behind_its_back, told):
            change()
            after = block(x)
            assert not torch.allclose(after, before), change.__name__
            assert near(after, copy.deepcopy(block)(x), 1e-6), change.__name__
            before = after
    with torch.inference_mode():  # whose tensors count no changes
        other = copy.deepcopy(block)
        before = other(x)
        other.values.mul_(2)
        other.bias.mul_(2)
        assert near(other(x), 2 * before)


def test_new_values_at_an_old_address() -> None:
    """Memory that is given back is soon given out again; what was prepared from it must hold it until then."""
    _, block, x, _ = layer_and_block("linear", True)
    with torch.no_grad():
        for number in range(20):
            block.values = nn.Parameter(torch.full_like(block.values, float(number)))
            block.values = nn.Parameter(torch.full_like(block.values, float(number + 1)))
            assert near(block(x), x @ block.matrix().t() + block.bias)


@KINDS
def test_many_shapes_tune_no_more_than_a_few(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    dense, block, x, _ = layer_and_block(kind, True, "gather-gemm")
    prepared, real = [], block_module.prepared_run
    monkeypatch.setattr(
        block_module, "prepared_run", lambda _, of, choice: prepared.append(tuple(of.shape)) or real(block, of, choice)
    )
    with torch.no_grad():
        for size in (*range(1, 30), *range(1, 9)):
            part = torch.randn(size, *x.shape[1:])
            assert near(block(part), dense(part))
    assert len(prepared) == len(set(prepared)) == 8


@KINDS
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::torch.jit.TracerWarning")
def test_transforms_run_as_tensor_operations(kind: str) -> None:
    """A kernel's answer is numbers alone: a trace would record none of it, a batch or a tangent would be lost."""
    dense, block, x, _ = layer_and_block(kind, True)
    with torch.no_grad():
        block(x)
        traced = torch.jit.trace(block, (x,))
        assert near(traced(x + 1), dense(x + 1))
        stacked = torch.vmap(block)(torch.stack([x, 2 * x]))
        assert near(stacked[1], dense(2 * x))
        _, tangent = torch.func.jvp(block, (x,), (x,))
        assert near(tangent, dense(x) - dense(0 * x))
        with forward_ad.dual_level():
            dual = block(forward_ad.make_dual(x, x))
            assert near(forward_ad.unpack_dual(dual).tangent, tangent)
        doubled = {name: 2 * value for name, value in block.state_dict().items()}
        assert near(torch.func.functional_call(block, doubled, (x,)), 2 * dense(x))
        exported = torch.export.export(block.eval(), (x,), strict=kind == "linear")
        assert near(exported.module()(x), dense(x))
        compiled = torch.compile(block, backend="eager", fullgraph=True)
        assert near(compiled(x), dense(x))


@KINDS
def test_without_numbers_and_with_them_again(kind: str) -> None:
    dense, block, x, _ = layer_and_block(kind, True)
    empty = copy.deepcopy(block).to("meta")
    with torch.no_grad():
        assert empty(x.to("meta")).shape == dense(x).shape
    empty = empty.to_empty(device="cpu")
    empty.load_state_dict(block.state_dict())
    assert near(empty(x), dense(x))


@KINDS
def test_what_is_frozen_stays_frozen(kind: str) -> None:
    dense, _, _, layout = layer_and_block(kind, True)
    dense.weight.requires_grad_(False)
    block = (BlockLinear if kind == "linear" else BlockConv2d)(layout, dense)
    assert [name for name, part in block.named_parameters() if part.requires_grad] == ["bias"]


def test_threads_that_infer_while_one_changes_the_values() -> None:
    _, block, _, _ = layer_and_block("linear", True, "native-blocks")
    failures: list[Exception] = []

    def infer(seed: int) -> None:
        rng = np.random.default_rng(seed)
        try:
            with torch.no_grad():
                for _ in range(40):
                    assert block(torch.randn(int(rng.integers(1, 5)), 40)).isfinite().all()
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=infer, args=(seed,)) for seed in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(5):
        with torch.no_grad():
            block.values.mul_(0.9)
    for thread in threads:
        thread.join()
    assert not failures
    with torch.no_grad():
        x = torch.randn(3, 40)
        assert near(block(x), copy.deepcopy(block)(x))


@KINDS
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_in_half_precision_on_the_cpu_the_dense_layer_runs_or_what_is_quicker(kind: str, dtype: torch.dtype) -> None:
    """Under autocast and as a whole; no blocks are gathered unless their kernel is named, and the weight is made once."""
    dense, block, x, _ = layer_and_block(kind, True)
    named = layer_and_block(kind, True, "gather-gemm")[1]
    half = copy.deepcopy(block).to(dtype)
    assert block.runs_as(x) not in DENSE
    tried = ("native-blocks", "gather-gemm") if dtype == torch.bfloat16 else ()
    with torch.autocast("cpu", dtype):
        assert block.runs_as(x) in (*DENSE, *tried)
        assert named.runs_as(x) == "gather-gemm"
    assert half.runs_as(x.to(dtype)) in (*DENSE, *tried)
    with torch.no_grad(), torch.autocast("cpu", dtype):
        assert near(block(x), dense(x), 5e-2)
        assert block(x).stride() == dense(x).stride()
        block.matrix = None  # what was prepared needs it no more
        assert near(block(x), dense(x), 5e-2)
    with torch.no_grad():
        assert near(half(x.to(dtype)).float(), dense(x), 5e-2)


@KINDS
def test_training_under_autocast_makes_the_dense_weight_in_its_type(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The values are cast, which are fewer, not the weight that is made of them."""
    _, block, x, _ = layer_and_block(kind, True)
    made, real = [], block.matrix
    monkeypatch.setattr(block, "matrix", lambda values: made.append(values.dtype) or real(values))
    with torch.autocast("cpu", torch.bfloat16):
        block(x).float().sum().backward()
    assert made == [torch.bfloat16]
    assert block.values.grad.dtype == torch.float32


@KINDS
@pytest.mark.parametrize("quicker", [0, 1, 2])
def test_in_bfloat16_a_trial_decides_between_blocks_and_the_dense_layer(
    kind: str, quicker: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On the input itself, and once an input shape; right either way."""
    dense, block, x, _ = layer_and_block(kind, True)
    tried: list[tuple[str, ...]] = []

    def choose(runs: Mapping[str, Run], x: torch.Tensor) -> str:
        tried.append(tuple(runs))
        return tuple(runs)[quicker]

    monkeypatch.setattr(layer_kernels, "quickest_name", choose)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        assert near(block(x), dense(x), 5e-2)
        assert near(block(x), dense(x), 5e-2)
        assert block.runs_as(x) == tried[0][quicker]
    assert tried == [("native-blocks", "gather-gemm", "dense" if kind == "linear" else "conv2d")]


@KINDS
def test_other_values_are_multiplied_without_another_trial(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _, block, x, _ = layer_and_block(kind, True)
    tried: list[tuple[str, ...]] = []
    monkeypatch.setattr(layer_kernels, "quickest_name", lambda runs, x: tried.append(tuple(runs)) or next(iter(runs)))
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        for _ in range(3):
            block.values.mul_(0.5)
            assert near(block(x), block.dense()(x), 5e-2)
    assert len(tried) == 1


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_tangent_of_the_values_is_kept_without_gradients() -> None:
    _, block, x, _ = layer_and_block("linear", True)
    values = block.values.detach()
    with torch.no_grad(), forward_ad.dual_level():
        y = torch.func.functional_call(block, {"values": forward_ad.make_dual(values, values)}, (x,))
        assert near(forward_ad.unpack_dual(y).tangent, y - (0 if block.bias is None else block.bias))


def test_a_layer_without_numbers_takes_those_of_a_state_as_they_are() -> None:
    _, block, x, _ = layer_and_block("linear", True)
    empty = copy.deepcopy(block).to("meta")
    empty.load_state_dict(block.state_dict(), assign=True)
    assert near(empty(x), block(x))


def test_a_compiled_layer_looks_at_its_values_when_the_mode_was_changed() -> None:
    """torch.compile's wrapper sets the mode of what it wraps before it asks for it."""
    _, block, x, _ = layer_and_block("linear", True)
    compiled = torch.compile(block, backend="eager")
    for _ in range(2):
        compiled.train()
        block.values.data.mul_(0.5)  # as fused optimizers write: uncounted
        compiled.eval()
        with torch.no_grad():
            assert near(compiled(x), block.dense()(x))
