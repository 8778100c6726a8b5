"""A layer's product alone, as it is multiplied in the model: dense, exact, with almost no weights, and by its own kernel, in turns."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from sparselab.benchmarking.roofline import Roofline, measure_roofline
from sparselab.benchmarking.statistics import speedup
from sparselab.benchmarking.timing import TimedRun, WallClock, take_turns
from sparselab.core.errors import SparselabError
from sparselab.core.groups import block_diagonal, diagonal_matrix
from sparselab.core.layout import Layout
from sparselab.core.mask import Mask
from sparselab.diagnosis.evidence import Product
from sparselab.kernels import DENSE, KERNELS, exact_kernel
from sparselab.kernels.base import DTYPES, Conv, Work, random_input
from sparselab.nn import BlockConv2d, BlockLinear
from sparselab.runtime.progress import SILENT, Monitor

_FLOOR_DENSITY = 0.02


@dataclass(frozen=True, eq=False)
class Multiplied:
    """A weight as it was multiplied: out x n, its input as `Work` has it, and the layout it runs in where it is a block layer's.

    groups: of a convolution, whose weight then has the columns of one group.
    """

    weight: NDArray[np.float32]
    input_shape: tuple[int, ...]
    conv: Conv | None = None
    dtype: str = "float32"
    layout: Layout | None = None
    kernel: str = ""
    groups: int = 1

    @property
    def kept(self) -> Mask:
        """What is not 0, or what its layout keeps."""
        return Mask(self.weight != 0) if self.layout is None else self.layout.after

    def work(self, dtype: str | None = None) -> Work:
        """Return the product. Raises: SparselabError where no kernel here knows such a one."""
        dtype = self.dtype if dtype is None else dtype
        if dtype not in DTYPES:
            raise SparselabError(f"expected one of {', '.join(DTYPES)}; got {dtype}")
        layout, weight = self.layout or _masked(self.kept), self.weight
        if self.groups > 1:
            layout, weight = block_diagonal(layout, self.groups), diagonal_matrix(weight, self.groups)
        return Work(layout, weight, self.input_shape, conv=self.conv, dtype=dtype)


def obstacles(product: Multiplied) -> tuple[str, str]:
    """Return why the exact kernel cannot run a product as it is multiplied now, and in float32; "" where it can."""
    found = []
    for dtype in (product.dtype, "float32"):
        try:
            found.append(KERNELS[exact_kernel()].unsupported_reason(product.work(dtype)))
        except SparselabError as error:
            found.append(str(error))
    return found[0], found[1]


def time_product(product: Multiplied, *, rounds: int, seconds: float, monitor: Monitor = SILENT) -> Product:
    """Time a layer alone in turns, as a module of a model runs it: in float32 where its own type has no exact kernel."""
    work = product.work(product.dtype if not obstacles(product)[0] else "float32")
    exact, dense = exact_kernel(), _dense_layer(product, work)
    obstacle = KERNELS[exact].unsupported_reason(work)
    calls: dict[str, nn.Module] = {"dense": dense}
    if not obstacle:
        calls["exact"] = _block_layer(dense, _masked(product.kept), exact)
        calls["floor"] = _block_layer(dense, _masked(_thinned(product.kept)), exact)
    if (
        product.kernel
        and product.kernel not in (*DENSE, exact)
        and not KERNELS[product.kernel].unsupported_reason(work)
    ):
        calls["own"] = _block_layer(dense, product.layout or work.layout, product.kernel)
    x = random_input(work)
    x = x if work.conv is not None else x.t().contiguous()
    runs = [
        TimedRun(key=(i, "hot"), name=name, call=partial(layer, x), clock=WallClock())
        for i, (name, layer) in enumerate(calls.items())
    ]
    with torch.no_grad():
        taken = take_turns(runs, rounds=rounds, seconds=seconds, monitor=monitor)
    times = {name: taken.times[i, "hot"] for i, name in enumerate(calls)}
    ms = {name: float(each.min()) for name, each in times.items()}
    best = times.get("own", times.get("exact"))
    ratio = None if best is None else speedup(times["dense"], best)
    return Product(
        dense_ms=ms["dense"],
        exact_ms=ms.get("exact"),
        floor_ms=ms.get("floor"),
        own_ms=ms.get("own", ms.get("exact") if product.kernel == exact else None),
        speedup=None if ratio is None else ratio.value,
        low=None if ratio is None else ratio.low,
        high=None if ratio is None else ratio.high,
        rounds=taken.rounds,
        obstacle=obstacle,
    )


def roofline_here(dtype: str = "float32") -> Roofline:
    """Return peak arithmetic and bandwidth of this machine's processor, measured."""
    work = Work(_masked(Mask(np.ones((1, 1), bool))), np.ones((1, 1), np.float32), (1, 1), dtype=dtype)
    return measure_roofline(work, WallClock())


def _dense_layer(product: Multiplied, work: Work) -> nn.Linear | nn.Conv2d:
    """Return the layer of torch that multiplies a product's weight, its zeros too."""
    rows, cols = product.weight.shape
    if work.conv is None:
        layer: nn.Linear | nn.Conv2d = nn.Linear(cols, rows, bias=False)
    else:
        kernel, stride, padding = work.conv.kernel_shape, work.conv.stride, work.conv.padding
        layer = nn.Conv2d(work.input_shape[1], rows, kernel, stride, padding, groups=product.groups, bias=False)
    weight = np.where(product.kept.kept, product.weight, np.float32(0))
    layer.weight = nn.Parameter(work.tensor(weight).reshape(layer.weight.shape), requires_grad=False)
    return layer.eval()


def _block_layer(dense: nn.Linear | nn.Conv2d, layout: Layout, kernel: str) -> nn.Module:
    swapped = BlockLinear(layout, dense, kernel) if isinstance(dense, nn.Linear) else BlockConv2d(layout, dense, kernel)
    return swapped.eval()


def _masked(kept: Mask) -> Layout:
    return Layout.masked(kept, kept, reason="the mask is as it was pruned")


def _thinned(mask: Mask) -> Mask:
    """Return a mask that keeps 2 % of the weights, of those kept where there are enough."""
    places = np.flatnonzero(mask.kept)
    count = min(places.size, max(1, round(_FLOOR_DENSITY * mask.kept.size)))
    thin = np.zeros(mask.kept.size, bool)
    thin[np.random.default_rng(0).choice(places, count, replace=False) if places.size else []] = True
    return Mask(thin.reshape(mask.shape))
