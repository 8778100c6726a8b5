"""What is expected of torch's private interface: a torch that changed it fails here, by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from sparselab.core import torch_private
from sparselab.core.errors import UnavailableError

BACKENDS = (torch.sparse.SparseSemiStructuredTensorCUTLASS, torch.sparse.SparseSemiStructuredTensorCUSPARSELT)


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("shape", [(1, 16, 1), (7, 17, 5), (64, 300, 33)])
def test_the_int8_product_is_exact(shape: tuple[int, int, int]) -> None:
    rng = np.random.default_rng(0)
    rows, terms, cols = shape
    left, right = (rng.integers(0, 2, size, dtype=np.int8) for size in ((rows, terms), (cols, terms)))
    product = torch_private.int8_product(torch.from_numpy(left), torch.from_numpy(right).T)
    assert product.dtype == torch.int32
    assert np.array_equal(product.numpy(), left.astype(np.int64) @ right.T.astype(np.int64))


def test_foreach_is_a_loop() -> None:
    start, others = ([normal(3, seed=seed), normal(2, 2, seed=seed + 1)] for seed in (0, 2))
    added, multiplied, scaled, copied = ([part.clone() for part in start] for _ in range(4))
    torch_private.foreach_add(added, others, alpha=-0.5)
    torch_private.foreach_multiply(multiplied, others)
    torch_private.foreach_multiply(scaled, 0.5)
    torch_private.foreach_copy(copied, others)
    for at, (mine, other) in enumerate(zip(start, others, strict=True)):
        assert added[at].equal(mine - 0.5 * other)
        assert multiplied[at].equal(mine * other)
        assert scaled[at].equal(mine * 0.5)
        assert copied[at].equal(other)


def test_function_transforms_are_seen_while_they_work() -> None:
    seen = []

    def watched(x: torch.Tensor) -> torch.Tensor:
        seen.append(torch_private.in_function_transform())
        return x.sum()

    watched(torch.ones(2))
    torch.func.vmap(watched)(torch.ones(2, 2))
    torch.func.grad(watched)(torch.ones(2))
    watched(torch.ones(2))
    assert seen == [False, True, True, False]


def test_dispatch_modes_are_seen_while_they_work() -> None:
    class Watching(TorchDispatchMode):
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            return func(*args, **kwargs or {})

    assert not torch_private.in_dispatch_mode()
    with Watching():
        assert torch_private.in_dispatch_mode()
    assert not torch_private.in_dispatch_mode()


def test_the_version_counts_changes_in_place_and_nothing_else() -> None:
    values = torch.zeros(3)
    before = torch_private.version_of(values)
    values + 1
    assert torch_private.version_of(values) == before
    values[0] = 1.0
    values.add_(1)
    assert torch_private.version_of(values) == before + 2


@pytest.mark.parametrize(
    "register",
    [
        lambda layer: layer.register_forward_hook(lambda *_: None),
        lambda layer: layer.register_forward_pre_hook(lambda *_: None),
        lambda layer: layer.register_full_backward_hook(lambda *_: None),
        lambda layer: layer.register_full_backward_pre_hook(lambda *_: None),
    ],
)
def test_hooks_are_seen_until_they_are_removed(register: Callable[[nn.Module], Any]) -> None:
    layer = nn.Linear(2, 2)
    assert not torch_private.has_hooks(layer)
    hook = register(layer)
    assert torch_private.has_hooks(layer)
    hook.remove()
    assert not torch_private.has_hooks(layer)


def test_pre_hooks_come_in_order() -> None:
    layer = nn.Linear(2, 2)
    hooks = [lambda *_: None, lambda *_: None]
    for hook in hooks:
        layer.register_forward_pre_hook(hook)
    assert list(torch_private.forward_pre_hooks(layer)) == hooks


def test_a_child_under_two_names_is_given_under_both() -> None:
    linear = nn.Linear(2, 2)
    parent = nn.ModuleDict({"a": linear, "b": linear})
    parent.register_module("none", None)
    assert torch_private.children_of(parent) == {"a": linear, "b": linear}


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("backend", BACKENDS)
def test_sizes_of_2_of_4_weights_are_multiples_of_whole_windows(backend: type, dtype: torch.dtype) -> None:
    rows, cols = torch_private.semi_structured_multiples(backend, dtype)
    assert rows >= 1
    assert cols >= 4
    assert cols % 4 == 0


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_product_of_a_2_of_4_weight_takes_a_bias(backend: Any) -> None:
    """The product itself needs a CUDA device: see tests/kernels/test_cuda.py."""
    assert {"self", "B", "bias"} <= inspect.signature(backend._mm).parameters.keys()


def test_a_weight_of_cusparselt_keeps_the_number_of_an_algorithm() -> None:
    """The search needs a torch with cuSPARSELt, and a CUDA device: see tests/kernels/test_cuda.py."""
    assert (
        "alg_id_cusparselt" in inspect.signature(torch.sparse.SparseSemiStructuredTensorCUSPARSELT.__new__).parameters
    )
    if not hasattr(torch._C, "_cusparselt"):
        with pytest.raises(UnavailableError, match="_cusparselt"):
            torch_private.choose_cusparselt_algorithm(None, torch.ones(4, 4), None)


@pytest.mark.filterwarnings("ignore:Sparse BSR")
def test_the_parameters_set_are_those_the_block_sparse_product_looks_up() -> None:
    from torch.sparse import _triton_ops_meta as meta

    weight = torch.kron(torch.eye(4, 3), torch.ones(16, 32)).to_sparse_bsr((16, 32))
    lookup = torch_private.bsr_lookup(weight, 40)
    assert lookup[:5] == (64, 96, 40, 16, 32)
    parameters = {name: at + 1 for at, name in enumerate(torch_private.BSR_PARAMETERS)}
    told = {"dtype": torch.float16, "sparsity": 0.25, "device_name": "no card"}
    torch_private.set_bsr_parameters(lookup, parameters, **told)  # type: ignore[arg-type]
    version = (0, torch.float16, 0.25)
    assert meta.get_meta(torch_private.BSR_PRODUCT, lookup, "no card", version, exact=True) == parameters  # type: ignore[no-untyped-call]


def test_torchs_tuner_takes_what_it_is_given() -> None:
    """The tuner itself needs a CUDA device: see tests/kernels/test_cuda.py."""
    from torch.sparse import _triton_ops_meta as meta

    assert {"input", "bsr", "dense", "beta", "alpha"} <= inspect.signature(meta.tune_bsr_dense_addmm).parameters.keys()


def test_a_torch_without_a_member_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(torch, "_int_mm")
    with pytest.raises(UnavailableError, match=r"expected a torch with torch\._int_mm; torch \S+ has none"):
        torch_private.int8_product(torch.ones(2, 16, dtype=torch.int8), torch.ones(16, 2, dtype=torch.int8))


def test_without_a_compiler_torch_compile_is_said_to_lack_one(monkeypatch: pytest.MonkeyPatch) -> None:
    from torch._inductor import config

    monkeypatch.setattr(config.cpp, "cxx", ("no-such-compiler",))
    assert "needs a C++ compiler" in (torch_private.why_not_compiled() or "")
