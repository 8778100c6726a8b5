"""2:4: which masks, shapes and devices it takes. Its products need a CUDA device: see test_cuda.py."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sparselab.core.layer import Layer
from sparselab.core.layout import Layout
from sparselab.core.mask import Mask
from sparselab.kernels import KERNELS
from sparselab.kernels.base import Conv, Work
from sparselab.kernels.torch_ops.semi_structured import window_order
from sparselab.transforms import NM

KERNEL = KERNELS["semi-structured"]


def layout_of(permute: str = "none", **settings: Any) -> Layout:
    rng = np.random.default_rng(0)
    weight = rng.standard_normal((32, 64), dtype=np.float32)
    layer = Layer("layer", Mask(np.ones((32, 64), bool)), weight)
    return NM(permute=permute, **settings)(layer, rng=rng, device="cpu")


def work_of(layout: Layout, **changes: Any) -> Work:
    fields: dict[str, Any] = {"input_shape": (64, 40), "dtype": "float16", "device": "cuda"} | changes
    return Work(layout, np.ones(layout.after.shape, np.float32), **fields)


def test_what_stands_in_the_way_is_said_in_words() -> None:
    layout = layout_of()
    assert "needs a CUDA device" in KERNEL.unsupported_reason(work_of(layout, device="cpu"))
    assert "float16 and bfloat16; got float32" in KERNEL.unsupported_reason(work_of(layout, dtype="float32"))
    images = {"input_shape": (1, 64, 4, 4), "conv": Conv((1, 1))}
    assert "multiplies matrices only" in KERNEL.unsupported_reason(work_of(layout, **images))
    odd = Layout.unchanged(Mask(np.zeros((31, 64), bool)), "")
    assert "got 31 x 64" in KERNEL.unsupported_reason(work_of(odd))
    full = Layout.unchanged(Mask(np.ones((32, 64), bool)), "")
    assert "at most 2 kept of every 4" in KERNEL.unsupported_reason(work_of(full))
    assert "at most 2 kept of every 4" in KERNEL.unsupported_reason(work_of(layout_of(n=3)))


@pytest.mark.parametrize("permute", ["none", "swap"])
@pytest.mark.parametrize("n", [1, 2])
def test_the_order_found_has_at_most_two_of_every_four(permute: str, n: int) -> None:
    layout = layout_of(permute, n=n)
    order = window_order(layout)
    assert order is not None
    assert np.array_equal(np.sort(order), np.arange(64))
    windows = layout.after.kept[:, order].reshape(32, 16, 4).sum(axis=2)
    assert windows.max() <= 2


def test_the_natural_order_is_preferred_and_others_are_found_only_where_they_hold() -> None:
    assert np.array_equal(window_order(layout_of()), np.arange(64))
    assert window_order(Layout.unchanged(Mask(np.ones((4, 8), bool)), "")) is None
    assert window_order(Layout.unchanged(Mask(np.zeros((4, 6), bool)), "")) is None
    kept = np.tile(np.array([True, True, True, False, False, False, False, True]), (4, 1))
    before = Mask(kept)
    from sparselab.core.permutation import Permutation

    order = Permutation(np.array([0, 3, 1, 4, 2, 5, 6, 7]))
    found = window_order(Layout.masked(before, before, reason="", col_order=order))
    assert np.array_equal(found, order.order)
