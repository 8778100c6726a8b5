"""The C kernels among pages that nobody may touch: run as a program, which ends by a signal at the first wrong address.

Every array it is given begins right behind such a page or ends right before one; what it is to write starts as NaN.
"""

from __future__ import annotations

import ctypes
import dataclasses
import mmap
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import prod
from typing import Any

import numpy as np
import torch

from sparselab.core.layout import Layout
from sparselab.core.mask import Mask
from sparselab.kernels.base import TOLERANCES, Conv, Run, Work, error_against, random_input, reference
from sparselab.kernels.native.amx import product as amx
from sparselab.kernels.native.amx.packing import pack as pack_amx
from sparselab.kernels.native.block_step import BlockStep
from sparselab.kernels.native.blocks import compiled_run
from sparselab.kernels.native.few_positions import few_positions_run
from sparselab.kernels.native.packing import PanelLists, pack
from sparselab.kernels.native.single_packing import pack_single
from sparselab.kernels.native.sparse import compiled_run as sparse_run
from sparselab.kernels.native.sparse import single_run, windows_run
from sparselab.kernels.native.sparse_packing import Form, Used
from sparselab.kernels.native.sparse_packing import pack as pack_sparse
from sparselab.kernels.native.window_packing import pack_windows
from sparselab.kernels.support.panels import blocks_unsupported_reason
from sparselab.kernels.support.step_reference import step_reference
from tests.kernels.amx.emulated import amx_code
from tests.kernels.random_layers import random_layout, random_work

PAGE = mmap.PAGESIZE
TRAITS = ("groups", "groups", "two groups a row", "blocks of one group", "whole")
PLANS = ((1, 1), (2, 3), (8, 8192), (64, 7))  # tiles of positions and columns at once
FORMS = (Form(4, 1, 2), Form(1, 7, 4), Form(1, 8192, 4, 3), Form(3, 64, 2, 2), Form(4, 8192, 4))

LARGE = (33_001, 33_024)  # positions: rows that begin at the address of a vector, and rows that do not


def between_guards(count: int, dtype: torch.dtype, *, at_end: bool) -> torch.Tensor:
    """Return memory of `count` numbers at the end, or the beginning, of pages with a forbidden page on either side."""
    size = count * dtype.itemsize
    pages = -(-max(1, size) // PAGE)
    memory = mmap.mmap(-1, (pages + 2) * PAGE)
    start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    mprotect = ctypes.CDLL(None, use_errno=True).mprotect
    mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    for place in (start, start + (pages + 1) * PAGE):
        if mprotect(place, PAGE, 0):
            raise OSError(ctypes.get_errno(), "mprotect")
    whole = torch.frombuffer(memory, dtype=torch.uint8)
    begin = (pages + 1) * PAGE - size if at_end else PAGE
    return whole[begin : begin + size].view(dtype)


def guarded(values: torch.Tensor, *, at_end: bool) -> torch.Tensor:
    """Return a copy of `values` between guards; of a transposed matrix a transposed one, and of channels that lie last such."""
    if values.dim() == 2 and not values.is_contiguous():
        return guarded(values.t().contiguous(), at_end=at_end).t()
    if values.dim() == 4 and not values.is_contiguous():
        return guarded(values.permute(0, 2, 3, 1), at_end=at_end).permute(0, 3, 1, 2)
    return between_guards(values.numel(), values.dtype, at_end=at_end).view(values.shape).copy_(values)


def guarded_empty(*, at_end: bool) -> Callable[..., torch.Tensor]:
    """Return what stands in for `torch.empty`: memory between guards, all NaN."""

    def empty(size: int | tuple[int, ...], *, dtype: torch.dtype, device: str) -> torch.Tensor:
        assert device == "cpu"
        shape = (size,) if isinstance(size, int) else size
        memory = between_guards(prod(shape), dtype, at_end=at_end)
        return memory.fill_(float("nan") if dtype.is_floating_point else -(2**40)).view(shape)

    return empty


@contextmanager
def empty_between_guards(*, at_end: bool) -> Iterator[None]:
    """Have `torch.empty` give memory between guards."""
    real, torch.empty = torch.empty, guarded_empty(at_end=at_end)  # type: ignore[assignment]
    try:
        yield
    finally:
        torch.empty = real


def guarded_arrays(packed: Any, *, at_end: bool) -> Any:
    """Return the same product, every array of it and of its parts between guards."""

    def moved(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            return guarded(torch.from_numpy(value), at_end=at_end).numpy()
        if isinstance(value, tuple):
            return tuple(guarded_arrays(part, at_end=at_end) for part in value)
        return guarded_arrays(value, at_end=at_end) if isinstance(value, PanelLists) else value

    return dataclasses.replace(
        packed, **{item.name: moved(getattr(packed, item.name)) for item in dataclasses.fields(packed) if item.init}
    )


def turned(x: torch.Tensor) -> torch.Tensor:
    """Return the same X with features, or channels, last in memory."""
    return x.t().contiguous().t() if x.dim() == 2 else x.contiguous(memory_format=torch.channels_last)


def run_of(name: str, work: Work, number: int, *, at_end: bool) -> Run:
    """Return the run of a C kernel in one of its plans, its arrays between guards."""
    if name == "blocks":
        return compiled_run(guarded_arrays(pack(work), at_end=at_end), work.conv, *PLANS[number % len(PLANS)])
    if name == "few":
        return few_positions_run(guarded_arrays(pack(work), at_end=at_end), work.conv)
    if name == "amx":
        return amx.compiled_run(guarded_arrays(pack_amx(work), at_end=at_end), work.conv, 1 + number % 5, amx_code())
    if name == "sparse":
        form = FORMS[number % len(FORMS)]
        return sparse_run(guarded_arrays(pack_sparse(Used.of(work), form), at_end=at_end), work.conv, 1 + number % 8)
    if number % 3 == 0:
        return windows_run(guarded_arrays(pack_windows(Used.of(work)), at_end=at_end), work.conv)
    return single_run(guarded_arrays(pack_single(Used.of(work)), at_end=at_end), work.conv, gathers=number % 3 == 1)


def guarded_step(work: Work, x: torch.Tensor, *, at_end: bool) -> float:
    """Return the largest error of the gradients of a step, every array that C reads or writes between guards."""
    step = BlockStep(work.layout, work.conv)
    step._lists = guarded_arrays(step._lists, at_end=at_end)
    step._sum_starts = guarded(torch.from_numpy(step._sum_starts), at_end=at_end).numpy()
    rows, cols = (torch.from_numpy(of) for of in step.places)
    slope = torch.randn(work.output_shape, generator=torch.Generator().manual_seed(0))
    _, dx, dw = step_reference(work, x, slope)
    mine = [guarded(part, at_end=at_end) for part in (slope, x, work.tensor(work.masked_weight)[rows, cols])]
    with empty_between_guards(at_end=at_end):
        found = step.input_gradient(*mine), step.value_gradient(*mine[:2])
    exact = dx, dw[rows, cols]
    return max(error_against(right, got) if got.numel() else 0.0 for right, got in zip(exact, found, strict=True))


def odd_convolution(rng: np.random.Generator) -> Work:
    """Padding beyond the kernel, strides beyond it, kernels beyond the unpadded input, sides of one."""
    kernel = (int(rng.integers(1, 6)), int(rng.integers(1, 6)))
    conv = Conv(kernel, int(rng.integers(1, 6)), int(rng.integers(0, 8)))
    least = [max(1, extent - 2 * conv.padding) for extent in kernel]
    height, width = (side + int(rng.choice([0, 1, 8, 40])) for side in least)
    images, channels, rows = (int(rng.integers(1, most)) for most in (5, 5, 50))
    cols = channels * kernel[0] * kernel[1]
    layout = random_layout(rng, str(rng.choice(TRAITS)), rows, cols)
    bias = rng.standard_normal(rows, np.float32) if rng.random() < 0.5 else None
    weight = rng.standard_normal((rows, cols), np.float32)
    return Work(layout, weight, (images, channels, height, width), bias, conv)


def large_output(rng: np.random.Generator, positions: int) -> Work:
    """A product whose Y is written past the caches: it takes more than 4 MB."""
    weight = rng.standard_normal((33, 40), np.float32)
    return Work(random_layout(rng, "groups", 33, 40), weight, (40, positions))


def masked_anywhere(rng: np.random.Generator, work: Work) -> Work:
    """The same product with a mask of no structure."""
    mask = Mask(rng.random(work.weight.shape) < rng.choice([0.0, 0.05, 0.3, 1.0]))
    return dataclasses.replace(work, layout=Layout.masked(mask, mask, reason="anywhere"))


def main(name: str, layers: int) -> None:
    """Run random layers, one plan each in both placements and with one thread and more than there is work for."""
    rng = np.random.default_rng(4)
    for number in range(layers):
        if number < len(LARGE):
            work = large_output(rng, LARGE[number])
        else:
            work = odd_convolution(rng) if number % 2 else random_work(rng, "float32", "cpu")
        if name in ("sparse", "single") and number % 4 < 2:
            work = masked_anywhere(rng, work)
        elif blocks_unsupported_reason(work.layout):
            continue
        if name == "amx":
            work = dataclasses.replace(work, dtype="bfloat16")
        x = random_input(work)
        if len(LARGE) <= number and number % 8 < 4:
            x = turned(x) if work.conv is None or name == "amx" else x
        exact = reference(work, x)
        for at_end in (True, False):
            torch.set_num_threads(1 + 4 * (number % 3 == 0))
            if name == "gradients":
                error = guarded_step(work, x, at_end=at_end)
            else:
                run, mine = run_of(name, work, number, at_end=at_end), guarded(x, at_end=at_end)
                with empty_between_guards(at_end=at_end):
                    y: Any = run(mine)
                error = error_against(exact, y)
            assert error < TOLERANCES[work.dtype], (number, at_end, error, work.conv, work.input_shape)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
