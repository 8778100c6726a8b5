"""The Triton kernel in Triton's interpreter, without a GPU. `test_triton_interpreted.py` runs this file with TRITON_INTERPRET=1.

Memory is poisoned: it starts as NaN, so that reading what nobody wrote shows in the result, and every address that the
kernel loads from or stores to must lie in memory it was given.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from triton.runtime import interpreter

from sparselab.core.errors import SettingError
from sparselab.kernels import KERNELS
from sparselab.kernels.base import TOLERANCES, Work, max_error, random_input
from sparselab.kernels.support.step_reference import step_reference
from sparselab.kernels.triton_blocks import launch
from sparselab.kernels.triton_blocks import memory as device_memory
from sparselab.kernels.triton_blocks.configs import Config
from sparselab.kernels.triton_blocks.input_layouts import arrangements
from sparselab.kernels.triton_blocks.kernel import TritonBlocks
from sparselab.kernels.triton_blocks.step import TritonStep
from sparselab.nn import BlockConv2d, BlockLinear
from tests.kernels.random_layers import random_layout, random_work

assert os.environ.get("TRITON_INTERPRET") == "1", "set TRITON_INTERPRET=1 before triton is imported"

PART, PARTS = (int(number) for number in os.environ.get("SPARSELAB_TEST_PART", "0/1").split("/"))
LAYERS = range(PART, int(os.environ.get("SPARSELAB_TEST_LAYERS", "1000")), PARTS)
STEPS = 20
"""Every so many layers a training step is run too."""
DTYPES = ("float32", "float32", "float16", "bfloat16")


class Memory:
    """Memory for the kernel, full of NaN, and a guard at every load and store: addresses outside it are refused."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        self.tensors: list[torch.Tensor] = []

    def empty(self, shape: tuple[int, ...], dtype: torch.dtype, device: str | torch.device) -> torch.Tensor:
        value = float("nan") if dtype.is_floating_point else 0
        self.tensors.append(torch.full(shape, value, dtype=dtype, device=device))
        return self.tensors[-1]

    def place(self, x: torch.Tensor) -> torch.Tensor:
        return self.empty(tuple(x.shape), x.dtype, x.device).copy_(x)

    def load(self, addresses: Any, mask: Any, other: Any, dtype: Any) -> Any:
        self.check(addresses, mask)
        return self.inner.load(addresses, mask, other, dtype)

    def store(self, addresses: Any, value: Any, mask: Any) -> Any:
        self.check(addresses, mask)
        return self.inner.store(addresses, value, mask)

    def check(self, addresses: Any, mask: Any) -> None:
        wanted = np.asarray(addresses)[np.asarray(mask, dtype=bool)].astype(np.int64)
        starts = np.array(sorted(tensor.data_ptr() for tensor in self.tensors))
        ends = {
            tensor.data_ptr(): tensor.data_ptr() + tensor.numel() * tensor.element_size() for tensor in self.tensors
        }
        at = np.searchsorted(starts, wanted, side="right") - 1
        inside = (at >= 0) & (wanted < np.array([ends[start] for start in starts])[at])
        assert inside.all(), "the kernel reads or writes outside its memory"

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> Memory:
    guard = Memory(interpreter._interpreter)
    monkeypatch.setattr(interpreter, "_interpreter", guard)
    monkeypatch.setattr(device_memory, "empty", guard.empty)
    return guard


def random_config(rng: np.random.Generator, work: Work) -> Config:
    block_m, block_n, block_k = (int(rng.choice(sizes)) for sizes in ((16, 32), (16, 64, 64), (16, 32)))
    return Config(block_m, block_n, block_k, arrangement=str(rng.choice(arrangements(work.conv))))


@pytest.mark.parametrize("seed", LAYERS)
def test_a_random_layer_equals_the_dense_product(seed: int, memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every third one as if it were so large that addresses take 64 bits."""
    rng = np.random.default_rng(seed)
    if seed % 3 == 0:
        monkeypatch.setattr(device_memory, "LARGEST_32_BIT", 0)
    work = random_work(rng, DTYPES[seed % len(DTYPES)], "cpu", most=18)
    x = random_input(work, seed)
    by_position = work.conv is None and bool(rng.integers(2))
    y = launch.packed(work, random_config(rng, work))(memory.place(x.t()).t() if by_position else memory.place(x))
    assert max_error(work, x, y) <= TOLERANCES[work.dtype]
    assert (y.t() if by_position else y).is_contiguous()  # Y lies in memory as X does


@pytest.mark.parametrize("seed", LAYERS[::STEPS])
def test_a_random_steps_gradients_are_the_dense_layers(seed: int, memory: Memory) -> None:
    """dX and dW too; in half precision within its rounding, of values and slopes that are rounded first."""
    rng = np.random.default_rng(seed)
    work = random_work(rng, DTYPES[seed // STEPS % len(DTYPES)], "cpu", most=12)
    size = (int(rng.choice(sizes)) for sizes in ((16, 32), (16, 64), (16, 32)))
    step, x = TritonStep(work, Config(*size)), memory.place(random_input(work, seed))
    rows, cols = (torch.from_numpy(of.copy()) for of in step.places)
    values = work.tensor(work.masked_weight)[rows, cols]
    slope = memory.place(torch.randn(work.output_shape, generator=torch.Generator().manual_seed(seed)).to(x.dtype))
    y, dx, dw = step_reference(work, x, slope)
    for mine, exact in (
        (step.product(x, values, work.bias_tensor), y),
        (step.input_gradient(slope, x, values), dx),
        (step.value_gradient(slope, x), dw[rows, cols]),
    ):
        assert mine.dtype == x.dtype
        scale = float(exact.abs().max()) if exact.numel() else 0.0
        assert mine.shape == exact.shape
        assert not exact.numel() or float((mine.double() - exact).abs().max()) <= TOLERANCES[work.dtype] * (scale or 1)


def test_a_step_of_the_registry_without_positions_and_of_other_inputs() -> None:
    work = random_work(np.random.default_rng(3), "float32", "cpu", convolution=False)
    step = KERNELS["triton-blocks"].step(work)
    x, slope = torch.randn(work.layout.after.cols, 0), torch.randn(work.layout.after.rows, 0)
    values = torch.zeros(step.places[0].size)
    assert step.product(x, values, None).shape == slope.shape
    assert step.input_gradient(slope, x, values).shape == x.shape
    assert not step.value_gradient(slope, x).any()
    for wrong in (slope.double(), torch.randn(work.layout.after.rows + 1, 0)):
        with pytest.raises(SettingError, match="expected a slope of"):
            step.value_gradient(wrong, x)
    with pytest.raises(SettingError, match=r"expected \d+ values"):
        step.product(x, values[:-1], None)


@pytest.mark.parametrize("dense", [nn.Linear(20, 24), nn.Conv2d(4, 24, 3, stride=2, padding=1)], ids=["linear", "conv"])
def test_a_layer_that_names_the_kernel_trains_through_it(
    dense: nn.Linear | nn.Conv2d, monkeypatch: pytest.MonkeyPatch
) -> None:
    cols = dense.weight[0].numel()
    layout = random_layout(np.random.default_rng(1), "two groups a row", 24, cols)
    make = BlockLinear if isinstance(dense, nn.Linear) else BlockConv2d
    block = make(layout, dense, "triton-blocks")
    with torch.no_grad():
        dense.weight.mul_(torch.from_numpy(layout.after.kept.copy()).view_as(dense.weight))
    x = torch.randn(3, 20) if isinstance(dense, nn.Linear) else torch.randn(2, 4, 7, 6)
    slopes = []
    assert isinstance(block.step, TritonStep)
    monkeypatch.setattr(block, "matrix", None)  # the dense weight is not made
    for layer in (block, dense):
        mine = x.clone().requires_grad_()
        layer(mine).sin().sum().backward()
        slopes.append(mine.grad)
    assert torch.allclose(*slopes, atol=1e-5)
    whole = dense.weight.grad.reshape(24, cols)
    assert torch.allclose(block.values.grad, whole[block.panel_indices.flat], atol=1e-5)
    assert torch.allclose(block.bias.grad, dense.bias.grad, atol=1e-5)


def test_a_run_takes_other_numbers_of_positions_and_images() -> None:
    for seed in range(4):
        work = random_work(np.random.default_rng(seed), "float32", "cpu")
        run = KERNELS["triton-blocks"].prepare(work)
        for extra in (1, 0, 2):
            grown = list(work.input_shape)
            grown[1 if work.conv is None else 0] += extra
            x = torch.randn(grown, generator=torch.Generator().manual_seed(seed))
            assert max_error(work, x, run(x)) <= TOLERANCES[work.dtype]


def test_a_strided_input_is_taken_too() -> None:
    work = random_work(np.random.default_rng(3), "float32", "cpu")
    x = random_input(work)
    wide = torch.stack([x, x], dim=-1)[..., 0]
    assert not wide.is_contiguous()
    assert max_error(work, x, KERNELS["triton-blocks"].prepare(work)(wide)) <= TOLERANCES[work.dtype]


def test_an_input_that_does_not_fit_is_refused() -> None:
    work = random_work(np.random.default_rng(3), "float32", "cpu")
    run = KERNELS["triton-blocks"].prepare(work)
    x = random_input(work)
    with pytest.raises(SettingError, match="expected an input of"):
        run(x.double())
    with pytest.raises(SettingError, match="expected an input like"):
        run(torch.cat([x, x], dim=0 if work.conv is None else 1))


def test_tuning_ends_in_a_config_that_is_right_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All but the clock, which needs a device."""
    monkeypatch.setenv("SPARSELAB_CACHE", str(tmp_path))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "no card")
    timed = []

    def clock(run: Any, **_: Any) -> float:
        timed.append(run())
        return float(len(timed) % 7)

    monkeypatch.setattr("triton.testing.do_bench", clock)
    kernel = TritonBlocks()
    for seed in (3, 4):
        work = random_work(np.random.default_rng(seed), "float32", "cpu", most_rows=20, most=12)
        config, x = kernel.tuned(work), random_input(work)
        assert max_error(work, x, launch.packed(work, config)(x)) <= TOLERANCES[work.dtype]
        before = len(timed)
        assert before
        assert kernel.tuned(work) == config
        assert len(timed) == before


def test_no_obstacle_in_the_interpreter() -> None:
    work = random_work(np.random.default_rng(3), "float32", "cpu")
    assert KERNELS["triton-blocks"].unsupported_reason(work) == ""
