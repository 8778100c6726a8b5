"""A training step of every kernel that trains gives the gradients of the dense layer in float64, for any layout."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sparselab.core.errors import UnavailableError
from sparselab.kernels import KERNELS
from sparselab.kernels.base import Work, random_input
from sparselab.kernels.support.step_reference import step_reference
from tests.kernels.guarded import odd_convolution
from tests.kernels.random_layers import random_work

TRAINING = [name for name, kernel in KERNELS.items() if kernel.trains and "cpu" in kernel.devices]
BOUND = 1e-5
"""Of the largest entry: what the issue asks of gradients in float32."""


def relative(mine: torch.Tensor, exact: torch.Tensor) -> float:
    assert mine.shape == exact.shape
    scale = float(exact.abs().max()) if exact.numel() else 0.0
    return float((mine.double() - exact).abs().max()) / (scale or 1.0) if exact.numel() else 0.0


def transposed(x: torch.Tensor) -> torch.Tensor:
    """Return the same matrix with its columns together in memory, as those of a linear layer's input are."""
    return x.t().contiguous().t()


def check_step(name: str, work: Work, number: int) -> bool:
    """Compare one step with float64; return whether the kernel runs the work."""
    kernel = KERNELS[name]
    if kernel.unsupported_reason(work):
        return False
    step, x = kernel.step(work), random_input(work, number)
    rows, cols = (torch.from_numpy(of.copy()) for of in step.places)
    values = work.tensor(work.masked_weight)[rows, cols]
    slope = torch.randn(work.output_shape, generator=torch.Generator().manual_seed(number))
    if work.conv is None:
        x = transposed(x) if number % 2 else x
        slope = transposed(slope) if number % 4 > 1 else slope
    before = x.clone(), values.clone(), slope.clone()
    y, dx, dw = step_reference(work, x, slope)
    assert relative(step.product(x, values, work.bias_tensor), y) < BOUND
    assert relative(step.input_gradient(slope, x, values), dx) < BOUND
    assert relative(step.value_gradient(slope, x), dw[rows, cols]) < BOUND
    assert all(now.equal(then) for now, then in zip((x, values, slope), before, strict=True)), "inputs are left alone"
    return True


def walk_steps(name: str, layers: int, seed: int) -> int:
    """Check random layers with one, two and three threads; return how many the kernel ran."""
    rng, threads, done = np.random.default_rng(seed), torch.get_num_threads(), 0
    try:
        for number in range(layers):
            torch.set_num_threads(1 + number % 3)
            odd = number % 3 == 0
            done += check_step(
                name, odd_convolution(rng) if odd else random_work(rng, "float32", "cpu", most_rows=90, most=40), number
            )
    finally:
        torch.set_num_threads(threads)
    return done


@pytest.mark.parametrize("name", TRAINING)
def test_gradients_are_those_of_the_dense_layer(name: str) -> None:
    assert walk_steps(name, 90, 0) > 10


def test_a_position_more_or_less_and_none() -> None:
    """Ends of vectors, tiles and blocks of tiles; without positions gradients are 0."""
    rng = np.random.default_rng(1)
    for name in TRAINING:
        for positions in (1, 15, 16, 17, 31, 33, 255, 257, 700):
            work = random_work(rng, "float32", "cpu", convolution=False)
            work = Work(work.layout, work.weight, (work.weight.shape[1], positions), work.bias)
            check_step(name, work, positions)
            if not KERNELS[name].unsupported_reason(work):
                step, empty = KERNELS[name].step(work), torch.randn(work.weight.shape[1], 0)
                slope = torch.randn(work.weight.shape[0], 0)
                assert step.input_gradient(slope, empty, torch.zeros(step.places[0].size)).shape == empty.shape
                assert not step.value_gradient(slope, empty).any()


@pytest.mark.parametrize("name", KERNELS)
def test_a_kernel_that_does_not_train_says_so(name: str) -> None:
    work = random_work(np.random.default_rng(0), "float32", "cpu", convolution=False)
    if not KERNELS[name].trains:
        with pytest.raises(UnavailableError, match="expected a kernel that trains"):
            KERNELS[name].step(work)
