"""Every run on the CPU takes an X for its weights in whatever form, and refuses any other in one sentence."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sparselab.core.errors import SparselabError
from sparselab.core.layout import Block, Layout
from sparselab.core.mask import Mask
from sparselab.kernels import KERNELS
from sparselab.kernels.base import Conv, Run, Work, random_input

CONV = Conv((3, 3), 1, 1)


def work_for(conv: Conv | None, positions: int = 5) -> Work:
    """Sixteen channels, eight of them kept whole, so that every kernel for the CPU can run it."""
    cols, shape = (32, (32, positions)) if conv is None else (36, (2, 4, 5, positions))
    layout = Layout.from_blocks(Mask(np.ones((16, cols), bool)), [Block(np.arange(8), np.arange(cols))], reason="")
    rng = np.random.default_rng(0)
    return Work(layout, rng.standard_normal((16, cols), np.float32), shape, rng.standard_normal(16, np.float32), conv)


def runs(work: Work) -> dict[str, Run]:
    found = {name: kernel.prepare(work) for name, kernel in KERNELS.items() if not kernel.unsupported_reason(work)}
    assert {"native-blocks", "native-sparse", "gather-gemm", "channel-slice"} < set(found)
    return found


@pytest.mark.parametrize("conv", [None, CONV])
def test_any_other_input_is_refused(conv: Conv | None) -> None:
    """What torch refuses in its own words, C would read: beyond the end, or bits of another type."""
    work = work_for(conv)
    x = random_input(work)
    fewer, more = (x[:4], x.repeat(2, 1)) if conv is None else (x[:, :1], x.repeat(1, 2, 1, 1))
    wrong = (x.double(), x.half(), x.int(), x[None], x[0], fewer, more, x.to("meta"), x.to_sparse(), x.to_mkldnn())
    for name, run in runs(work).items():
        for other in wrong:
            with pytest.raises(SparselabError, match="expected an input"):
                run(other)
        assert run(x).isfinite().all(), name


def test_an_image_smaller_than_the_kernel() -> None:
    for run in runs(work_for(Conv((3, 3)))).values():
        with pytest.raises(SparselabError, match="3x3 kernel fits"):
            run(torch.zeros(2, 4, 5, 2))


@pytest.mark.parametrize("conv", [None, CONV])
def test_views_of_all_kinds(conv: Conv | None) -> None:
    work = work_for(conv)
    x = random_input(work)
    imaginary = torch.complex(x, -x).conj().imag
    assert imaginary.is_neg()
    views = {
        "strided": (torch.stack([x, x], dim=-1)[..., 0], x),
        "transposed": (x.mT.contiguous().mT, x),
        "inside": (torch.cat([x, x], dim=-1)[..., : x.shape[-1]], x),
        "expanded": (x[..., :1].expand_as(x), x[..., :1].expand_as(x).contiguous()),
        "negative": (imaginary, x),
        "channels last": (x if conv is None else x.contiguous(memory_format=torch.channels_last), x),
        "of a graph": (x.clone().requires_grad_(), x),
    }
    for name, run in runs(work).items():
        for kind, (view, plain) in views.items():
            y = run(view)
            assert torch.allclose(y, run(plain), atol=1e-5), (name, kind)
            assert not y.requires_grad, (name, kind)


@pytest.mark.parametrize("conv", [None, CONV])
def test_no_positions_and_no_images(conv: Conv | None) -> None:
    work = work_for(conv)
    x = random_input(work)
    for name, run in runs(work).items():
        y = run(x[:, :0] if conv is None else x[:0])
        assert tuple(y.shape) == ((16, 0) if conv is None else (0, 16, 5, 5)), name


def test_another_default_device_is_none_of_its_business() -> None:
    work = work_for(None)
    x = random_input(work)
    for name, run in runs(work).items():
        with torch.device("meta"):
            y = run(x)
        assert y.device.type == "cpu", name
        assert torch.equal(y, run(x)), name


@pytest.mark.parametrize("name", ["gather-gemm", "native-blocks", "native-sparse", "channel-slice"])
def test_signs_of_zero_and_infinities(name: str) -> None:
    work = work_for(None)
    x = torch.full((32, 5), -0.0)
    x[0, 1], x[0, 2], x[1, 3] = float("inf"), float("-inf"), float("nan")
    y = KERNELS[name].prepare(work)(x)
    exact = torch.from_numpy(work.weight[:8]) @ x
    assert torch.equal(y[:8, 0], work.bias_tensor[:8])
    assert torch.equal(y[:8, 1:3].sign(), exact[:, 1:3].sign())
    assert y[:8, 1:3].isinf().all()
    assert y[:8, 3].isnan().all()
    assert torch.equal(y[8:], work.bias_tensor[8:, None].expand(8, 5)), "rows that use none of it"
