"""Every kernel in the registry gives the dense product of the masked weight, or says in words why it cannot."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
import torch

from sparselab.core.layout import Block, Layout
from sparselab.core.mask import Mask
from sparselab.kernels import DENSE, KERNELS, Kernel, preferred_kernels
from sparselab.kernels.base import DTYPES, PRODUCTS, TOLERANCES, Conv, Run, Work, max_error, random_input
from tests.kernels.random_layers import aligned_works, random_work

ON_CPU = [name for name, kernel in KERNELS.items() if "cpu" in kernel.devices]
BLOCKS_ON_CPU = [name for name in ON_CPU if KERNELS[name].runs_blocks]


def check(kernel: Kernel, work: Work) -> str:
    """Return why the kernel cannot run, or "" when it did and is right, for other numbers of positions or images too."""
    obstacle = kernel.unsupported_reason(work)
    if obstacle:
        assert obstacle == obstacle.strip()
        return obstacle
    run = kernel.prepare(work)
    x = random_input(work)
    for part in (x, x[..., :1] if work.conv is None else x[:1]):
        before = part.clone()
        y = run(part)
        assert max_error(work, part, y) < TOLERANCES[work.dtype]
        assert y.is_contiguous() or y.shape.numel() == 0
        assert y.data_ptr() != run(part).data_ptr(), "every call gives a tensor of its own"
        assert part.equal(before), "the input is left as it was"
    return ""


def products(kind: str, dtype: str, device: str = "cpu") -> Iterator[Work]:
    """Products of one kind: layouts with every trait that has broken kernels, and blocks on a grid."""
    rng, convolution = np.random.default_rng(0), kind == "convolution"
    for _ in range(60 if dtype == "float32" else 20):
        yield random_work(rng, dtype, device, convolution=convolution)
    yield from aligned_works(rng, dtype, device, convolution=convolution)


def walk(kernel: Kernel, kind: str, dtype: str) -> list[str]:
    """Check the kernel on every product of a kind; return why it could not run, where it ran none of them."""
    obstacles = [check(kernel, work) for work in products(kind, dtype)]
    return [] if "" in obstacles else obstacles


@pytest.mark.parametrize("dtype", [dtype for dtype in DTYPES if dtype != "tf32"])  # tf32 is an arithmetic of CUDA
@pytest.mark.parametrize("kind", PRODUCTS)
@pytest.mark.parametrize("name", KERNELS)
def test_every_kernel_is_right_on_all_that_it_says_it_can_run(name: str, kind: str, dtype: str) -> None:
    obstacles = walk(KERNELS[name], kind, dtype)
    if obstacles:
        pytest.skip(f"{name}, {kind}, {dtype}: {max(set(obstacles), key=obstacles.count)}")


@pytest.mark.parametrize("name", KERNELS)
def test_a_kernel_runs_the_products_and_on_the_devices_that_it_names(name: str) -> None:
    """And the kinds of products, where it is on a device of its own: a kernel that always finds an obstacle is walked by nobody."""
    kernel = KERNELS[name]
    for kind in PRODUCTS:
        runs = any(not kernel.unsupported_reason(work) for work in products(kind, "float32"))
        assert runs == ("cpu" in kernel.devices and kind in kernel.products)


@dataclass(frozen=True)
class Wrong(Kernel):
    """The dense product, with one fault."""

    fault: str = "none"
    title: ClassVar[str] = "Wrong"
    source: ClassVar[str] = "a test"

    def unsupported_reason(self, work: Work) -> str:
        return ""

    def prepare(self, work: Work) -> Run:
        right = next(KERNELS[name] for name in DENSE if not KERNELS[name].unsupported_reason(work)).prepare(work)
        last: dict[torch.Size, torch.Tensor] = {}

        def run(x: torch.Tensor) -> torch.Tensor:
            y = right(x)
            if self.fault == "zeros":
                return torch.zeros_like(y)
            if self.fault == "rows in another order":
                return y.flip(0 if work.conv is None else 1)
            if self.fault == "one tensor for all calls":
                return last.setdefault(y.shape, y).copy_(y)
            if self.fault == "writes to its input":
                x.zero_()
            return y

        return run


def test_the_walk_passes_what_is_right() -> None:
    assert all(walk(Wrong(), kind, "float32") == [] for kind in PRODUCTS)


@pytest.mark.parametrize("kind", PRODUCTS)
@pytest.mark.parametrize("fault", ["zeros", "rows in another order", "one tensor for all calls", "writes to its input"])
def test_the_walk_finds_a_kernel_that_is_wrong(fault: str, kind: str) -> None:
    with pytest.raises(AssertionError):
        walk(Wrong(fault), kind, "float32")


@pytest.mark.parametrize("name", ON_CPU)
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_a_thread_more_or_less_changes_nothing(name: str, threads: int) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        rng = np.random.default_rng(threads)
        for _ in range(40):
            check(KERNELS[name], random_work(rng, "float32", "cpu", most_rows=80, most=40))
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("name", BLOCKS_ON_CPU)
def test_kernels_that_run_blocks_run_every_aligned_layout(name: str) -> None:
    for work in aligned_works(np.random.default_rng(2), "float32", "cpu", convolution=False):
        assert check(KERNELS[name], work) == ""


def test_what_is_dropped_may_be_anything() -> None:
    """A dropped weight that is not a number does not reach the product."""
    layout = Layout.from_blocks(Mask(np.ones((32, 32), bool)), [Block(np.arange(16), np.arange(32))], reason="")
    weight = np.full((32, 32), np.nan, np.float32)
    weight[:16] = 1.0
    works = Work(layout, weight, (32, 5)), Work(layout, weight, (2, 8, 4, 5), conv=Conv((2, 2)))
    assert all("" in [check(KERNELS[name], work) for work in works] for name in ON_CPU)


def test_a_mask_without_blocks_is_refused_in_words() -> None:
    mask = Mask(np.eye(32, dtype=bool))
    work = Work(Layout.masked(mask, mask, reason="pruned one by one"), np.eye(32, dtype=np.float32), (32, 4))
    for name in ("gather-gemm", "native-blocks", "triton-blocks"):
        assert "no blocks" in KERNELS[name].unsupported_reason(work) or "CUDA" in KERNELS[name].unsupported_reason(work)
    assert "whole" in KERNELS["channel-slice"].unsupported_reason(work)


@pytest.mark.parametrize("name", KERNELS)
def test_what_a_kernel_says_of_itself(name: str) -> None:
    kernel = KERNELS[name]
    assert kernel.title
    assert kernel.source
    assert type(kernel).__doc__
    assert kernel.devices
    assert set(kernel.devices) <= {"cpu", "cuda"}
    assert kernel.products
    assert set(kernel.products) <= set(PRODUCTS)
    assert not (kernel.is_dense and (kernel.runs_blocks or kernel.preference is not None))


def test_a_converted_model_tries_kernels_in_an_order_without_ties() -> None:
    places = [kernel.preference for kernel in KERNELS.values() if kernel.preference is not None]
    assert len(places) == len(set(places)) == len(preferred_kernels())
    assert [KERNELS[name].preference for name in preferred_kernels()] == sorted(places)


@pytest.mark.parametrize("kind", PRODUCTS)
def test_every_kind_of_product_has_one_dense_kernel(kind: str) -> None:
    assert sum(kind in KERNELS[name].products for name in DENSE) == 1


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
    for name in ("gather-gemm", "native-blocks", "native-sparse"):
        bad = KERNELS[name].prepare(work)(x).isnan()
        assert bad[:16, 7].all(), name
        assert int(bad.sum()) == 16, name
