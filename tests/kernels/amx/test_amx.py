"""Blocks in bfloat16 on the matrix unit AMX, or with its tiles emulated where there is none: everything but the tiles is the same code."""

from __future__ import annotations

import dataclasses
import os
import sys

import numpy as np
import pytest
import torch

from sparselab.benchmarking.break_even import random_groups
from sparselab.core.errors import SettingError
from sparselab.core.layout import Block, Layout
from sparselab.core.mask import Mask
from sparselab.kernels import KERNELS
from sparselab.kernels.base import Conv, Run, Work, error_against, max_error, random_input, reference
from sparselab.kernels.native.amx import product as amx
from sparselab.kernels.native.amx.packing import bundled, pack
from sparselab.kernels.support.panels import panels
from tests.kernels.amx.emulated import amx_code, emulation_unsupported_reason
from tests.kernels.guarded import turned
from tests.kernels.random_layers import random_work

REASON = emulation_unsupported_reason()
pytestmark = pytest.mark.skipif(bool(REASON), reason=REASON)
ROUNDED = 2**-8
"""Rounding an exact answer to bfloat16 is off by half of this, and by all of it where a sum in float32 was rounded the other way."""


def run_of(work: Work, tiles: int = 2) -> Run:
    return amx.compiled_run(pack(work), work.conv, tiles, amx_code())


def half(rng: np.random.Generator, **traits: int | bool) -> Work:
    return random_work(rng, "bfloat16", "cpu", **traits)  # type: ignore[arg-type]


@pytest.mark.parametrize("threads", [1, 5])
def test_random_layers_in_both_orders_of_memory(threads: int) -> None:
    """As exact as rounding allows, Y lies as X does, and other numbers of positions run too."""
    rng, before = np.random.default_rng(threads), torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        for number in range(40):
            work = half(rng, most_rows=90, most=60)
            run, x = run_of(work, 1 + number % 5), random_input(work)
            for mine in (x, turned(x), x[..., :1] if work.conv is None else x[:1]):
                y = run(mine)
                assert max_error(work, mine, y) < ROUNDED, (number, work.conv, work.input_shape)
            assert run(x).is_contiguous()
            if not turned(x).is_contiguous():
                y = run(turned(x))
                assert (
                    y.t().is_contiguous() if work.conv is None else y.is_contiguous(memory_format=torch.channels_last)
                )
    finally:
        torch.set_num_threads(before)


def test_no_further_off_than_the_dense_product_in_bfloat16() -> None:
    rng = np.random.default_rng(0)
    layout, weight = random_groups(64, 512, 32, 0.3), rng.standard_normal((64, 512), np.float32)
    for shape, conv in (((512, 40), None), ((2, 128, 6, 6), Conv((2, 2)))):
        work = Work(layout, weight, shape, conv=conv, dtype="bfloat16")
        x = random_input(work)
        dense = next(KERNELS[name] for name in ("dense", "conv2d") if not KERNELS[name].unsupported_reason(work))
        assert max_error(work, x, run_of(work)(x)) <= 1.01 * max_error(work, x, dense.prepare(work)(x)) + ROUNDED / 8


def test_groups_of_16_rows_run_in_pairs_where_they_share_columns_and_no_row_sees_a_foreign_column() -> None:
    """Steps of both, of the one and of the other: what is not a number reaches the rows that use it, and no others."""
    rows, cols = 48, 200
    lists = [np.arange(0, 100), np.arange(10, 130), np.arange(140, 200)]
    blocks = [Block(np.arange(16 * place, 16 * place + 16), used) for place, used in enumerate(lists)]
    layout = Layout.from_blocks(Mask(np.zeros((rows, cols), bool)), blocks, reason="")
    assert sorted(len([half for half in each.parts[0] if half.size]) for each in bundled(panels(layout))) == [1, 2]
    work = Work(layout, np.ones((rows, cols), np.float32), (cols, 70), dtype="bfloat16")
    for column, users in ((5, range(16)), (50, range(32)), (120, range(16, 32)), (135, range(0)), (150, range(32, 48))):
        for value in (float("nan"), float("inf")):
            for x in (torch.zeros(cols, 70, dtype=torch.bfloat16), torch.zeros(70, cols, dtype=torch.bfloat16).t()):
                x[column, 33] = value
                bad = ~run_of(work)(x).isfinite()
                assert bad.nonzero().tolist() == [[row, 33] for row in users]


@pytest.mark.parametrize("height", [1, 8, 16, 24, 32, 40, 64, 100])
def test_panels_of_any_height(height: int) -> None:
    rng = np.random.default_rng(height)
    weight, bias = rng.standard_normal((100, 96), np.float32), rng.standard_normal(100, np.float32)
    work = Work(random_groups(100, 96, height, 0.4), weight, (96, 65), bias, dtype="bfloat16")
    for x in (random_input(work), turned(random_input(work))):
        assert max_error(work, x, run_of(work)(x)) < ROUNDED


@pytest.mark.skipif(sys.platform != "linux", reason="forks")
def test_after_a_fork_with_one_thread() -> None:
    """The permission is a process's and its children's; tiles are configured anew in each thread and run."""
    rng, before = np.random.default_rng(0), torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        work = half(rng)
        run, x = run_of(work), random_input(work)
        y = run(x)
        child = os.fork()
        if not child:
            os._exit(0 if run(x).equal(y) else 1)
        assert os.waitpid(child, 0)[1] == 0
    finally:
        torch.set_num_threads(before)


def test_an_image_too_large_for_its_places_is_refused() -> None:
    with pytest.raises(SettingError, match="less than 4 GB"):
        amx.input_of((2**26, 1), None, features_last=False)


def test_the_registered_kernel_says_which_way_it_takes() -> None:
    """By the unit where there is one; else widened, right all the same and with the reason told."""
    work = dataclasses.replace(half(np.random.default_rng(3)), bias=None)
    run, x, reason = KERNELS["native-blocks"].prepare(work), random_input(work), amx.amx_unsupported_reason()
    assert error_against(reference(work, x), run(x)) < ROUNDED
    assert run(x).dtype == torch.bfloat16
    told: str = run.told  # type: ignore[attr-defined]
    assert ("by AMX" in told) if not reason else (reason in told and "widened" in told)
    assert "float32" in KERNELS["native-blocks"].step_unsupported_reason(work)


@pytest.mark.parametrize(
    ("permission", "said"), [(-1, "no AMX in this processor"), (0, "system does not let"), (1, "")]
)
def test_why_the_unit_is_not_used_is_said(permission: int, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(amx, "_permission", lambda: permission)
    reason = amx.amx_unsupported_reason()
    assert said in reason
    assert bool(reason) == bool(said)
