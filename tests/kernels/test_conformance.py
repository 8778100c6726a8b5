"""Every kernel in the registry gives the dense product of the masked weight, or says in words why it cannot."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from sparselab.kernels import KERNELS
from sparselab.kernels.base import TOLERANCES, Conv, Work, max_error, random_input
from sparselab.layout import Block, Layout
from sparselab.mask import Mask
from tests.kernels.random_layers import random_work

CPU = ("dense", "conv2d", "csr", "bsr", "channel-slice", "gather-gemm", "native-blocks")


def check(name: str, work: Work) -> bool:
    """Whether the kernel could run; it is right if it did, for other numbers of positions or images too."""
    obstacle = KERNELS[name].obstacle(work)
    if obstacle:
        assert obstacle == obstacle.strip()
        return False
    run = KERNELS[name].prepare(work)
    x = random_input(work)
    for part in (x, x[..., :1] if work.conv is None else x[:1]):
        before = part.clone()
        y = run(part)
        assert max_error(work, part, y) < TOLERANCES[work.dtype]
        assert y.is_contiguous() or y.shape.numel() == 0
        assert y.data_ptr() != run(part).data_ptr(), "every call gives a tensor of its own"
        assert part.equal(before), "the input is left as it was"
    return True


@pytest.mark.parametrize("name", CPU)
def test_random_products(name: str) -> None:
    rng = np.random.default_rng(0)
    ran = sum(check(name, random_work(rng, "float32", "cpu")) for _ in range(120))
    assert ran or name == "bsr"  # whose sides must be multiples of 16


@pytest.mark.parametrize("name", ["gather-gemm", "native-blocks"])
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_a_thread_more_or_less_changes_nothing(name: str, threads: int) -> None:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        rng = np.random.default_rng(threads)
        for _ in range(40):
            check(name, random_work(rng, "float32", "cpu", most_rows=80, most=40))
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("name", [*CPU[:3], "bsr", "gather-gemm"])
def test_double_precision(name: str) -> None:
    rng = np.random.default_rng(1)
    ran = sum(check(name, random_work(rng, "float64", "cpu")) for _ in range(40))
    assert ran or name == "bsr"


@pytest.mark.parametrize("name", ["dense", "csr", "bsr", "gather-gemm", "native-blocks"])
@pytest.mark.parametrize("shape", [(64, 128), (48, 1008)])
def test_aligned_blocks_of_many_sizes(name: str, shape: tuple[int, int]) -> None:
    rows, cols = shape
    rng = np.random.default_rng(2)
    blocks = [
        Block(np.arange(top, top + 16), np.arange(left, left + 16))
        for top in range(0, rows, 16)
        for left in range(0, cols, 16)
        if rng.random() < 0.4
    ]
    layout = Layout.from_blocks(Mask(np.zeros(shape, bool)), blocks, reason="")
    weight = rng.standard_normal(shape, dtype=np.float32)
    for positions in (1, 16, 33, 300):
        bias = rng.standard_normal(rows, dtype=np.float32)
        assert check(name, Work(layout, weight, (cols, positions), bias))


def test_what_is_dropped_may_be_anything() -> None:
    """A dropped weight that is not a number does not reach the product."""
    layout = Layout.from_blocks(Mask(np.ones((32, 32), bool)), [Block(np.arange(16), np.arange(32))], reason="")
    weight = np.full((32, 32), np.nan, np.float32)
    weight[:16] = 1.0
    work = Work(layout, weight, (32, 5))
    assert all(check(name, work) for name in CPU if name != "conv2d")


def test_a_mask_without_blocks_is_refused_in_words() -> None:
    mask = Mask(np.eye(32, dtype=bool))
    work = Work(Layout.masked(mask, mask, reason="pruned one by one"), np.eye(32, dtype=np.float32), (32, 4))
    for name in ("gather-gemm", "native-blocks", "triton-blocks"):
        assert "no blocks" in KERNELS[name].obstacle(work) or "CUDA" in KERNELS[name].obstacle(work)
    assert "whole" in KERNELS["channel-slice"].obstacle(work)


def test_every_kernel_has_a_title_and_a_source() -> None:
    for name, kernel in KERNELS.items():
        assert kernel.title, name
        assert kernel.source, name
        assert type(kernel).__doc__, name


def test_the_compressed_products_say_nothing() -> None:
    mask = Mask(np.ones((32, 32), bool))
    work = Work(Layout.masked(mask, mask, reason=""), np.ones((32, 32), np.float32), (32, 4))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name in ("csr", "bsr"):
            KERNELS[name].prepare(work)(random_input(work))


def test_a_convolution_that_does_not_fit_is_refused() -> None:
    mask = Mask(np.ones((4, 9), bool))
    layout = Layout.masked(mask, mask, reason="")
    with pytest.raises(ValueError, match="3x3 kernel"):
        Work(layout, np.ones((4, 9), np.float32), (1, 1, 2, 2), conv=Conv((3, 3)))


def test_what_is_not_a_number_stays_in_the_outputs_that_use_it() -> None:
    layout = Layout.from_blocks(
        Mask(np.ones((32, 32), bool)),
        [Block(np.arange(16), np.arange(8)), Block(np.arange(16, 32), np.arange(8, 32))],
        reason="",
    )
    work = Work(layout, np.ones((32, 32), np.float32), (32, 40))
    x = random_input(work)
    x[3, 7] = float("nan")
    for name in ("gather-gemm", "native-blocks"):
        bad = KERNELS[name].prepare(work)(x).isnan()
        assert bad[:16, 7].all(), name
        assert int(bad.sum()) == 16, name
