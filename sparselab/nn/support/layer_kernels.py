"""Which kernels run a block layer, and the products that they are given."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import torch
from torch import Tensor

from sparselab.core.errors import SettingError
from sparselab.core.groups import block_diagonal, diagonal_matrix
from sparselab.kernels import DENSE, KERNELS, preferred_kernels
from sparselab.kernels.base import Run, Work
from sparselab.kernels.steps import LayerStep
from sparselab.kernels.support.autotune import Chosen, quickest_name
from sparselab.nn.support.block_layer import BlockLayer

DTYPE_NAMES = {
    torch.float32: "float32",
    torch.float16: "float16",
    torch.bfloat16: "bfloat16",
    torch.float64: "float64",
}
"""What kernels call the types that they may multiply."""

MOST_DENSITY_OF_A_STEP = 0.7
"""With a larger share of the weights in blocks, a training step multiplies the dense weight: a rule of thumb. A step took half to
two thirds of the dense one's time at .5 (2 threads of an AMD EPYC with AVX-512), and grows with the density."""


DENSE_IS_QUICKER: Mapping[str, tuple[str, ...]] = MappingProxyType({"gather-gemm": ("float16",)})
"""Kernels, and the types on the CPU in which a layer runs dense rather than by them, without a trial."""


def can_run(x: Tensor) -> bool:
    """Whether x is of a type, and on a device, that kernels are written for, and there is something to multiply."""
    return x.device.type in ("cpu", "cuda") and x.numel() > 0 and x.dtype in DTYPE_NAMES


def kernel_for(layer: BlockLayer, work: Work) -> str:
    """Return the name of the kernel that runs `work` where no trial is made. Raises: SettingError, as `kernels_for`."""
    return kernels_for(layer, work)[0]


def kernels_for(layer: BlockLayer, work: Work) -> tuple[str, ...]:
    """Return the names of the kernels that may run `work`: the one asked for, or the preferred ones that can and may be quicker than
    dense, in their order; last dense, where none is asked for, and for a mask without blocks.

    Raises: SettingError where none can, with what each says.
    """
    names: tuple[str, ...] = (layer.kernel,)
    if layer.kernel == "auto":
        names = tuple(
            name for name in preferred_kernels() if work.on_cuda or work.dtype not in DENSE_IS_QUICKER.get(name, ())
        )
    if not layer.layout.blocks or layer.kernel == "auto":
        names = (*names, *DENSE)
    obstacles = {name: KERNELS[name].unsupported_reason(work) for name in names}
    found = tuple(name for name, obstacle in obstacles.items() if not obstacle)
    if not found:
        raise SettingError("; ".join(f"{name}: {obstacle}" for name, obstacle in obstacles.items()))
    return found


def dense_run(layer: BlockLayer, dtype: torch.dtype) -> Run:
    """Return the dense layer's own operation on a layer's weights, which are made dense and cast once, not at every call."""
    with torch.no_grad():
        weight = layer.matrix().view(layer.dense_shape).to(dtype)
        bias = None if layer.bias is None else layer.bias.detach().to(dtype)
    return lambda x: layer.weighted(x, weight, bias)


def prepared_run(layer: BlockLayer, x: Tensor, choice: str | None = None) -> Run:
    """Return the run of a layer for inputs like x, as `Work` has them, prepared with the values that the layer has now.

    choice: what a trial chose for such inputs with other values of the layer; it is not made again.
    """
    work = layer_work(layer, tuple(x.shape), x)
    names = kernels_for(layer, work)
    if names[0] in DENSE:
        return dense_run(layer, x.dtype)
    if not is_tried(layer, x):
        return KERNELS[names[0]].prepare(work)
    if choice in DENSE:
        return Chosen(dense_run(layer, x.dtype), choice)
    if choice in names:
        return Chosen(KERNELS[choice].prepare(work), choice)
    tried = names[:1] if work.on_cuda else [name for name in names if name not in DENSE]  # tuning takes seconds on CUDA
    return quicker_than_dense(layer, {name: KERNELS[name].prepare(work) for name in tried}, x)


def is_tried(layer: BlockLayer, x: Tensor) -> bool:
    """Whether the layer's kernels run x only where they are quicker than the dense layer: on CUDA and in bfloat16, unless one is named.

    There the dense product may be so quick that a kernel at density .25 is ahead on one shape and behind on the next.
    """
    return layer.kernel == "auto" and (x.is_cuda or x.dtype == torch.bfloat16)


def quicker_than_dense(layer: BlockLayer, runs: Mapping[str, Run], x: Tensor) -> Chosen:
    """Return the run of a kernel by name or the dense layer's own operation, whichever took least time on x, and which it is."""
    dense = "dense" if layer.conv is None else "conv2d"
    runs = {**runs, dense: dense_run(layer, x.dtype)}
    found = quickest_name(runs, x)
    return Chosen(runs[found], found)


def layer_work(layer: BlockLayer, input_shape: tuple[int, ...], x: Tensor) -> Work:
    """Return the product a layer is for an input of `input_shape` (as `Work` has it) of the type and device of x.

    A grouped convolution is the product of one block-diagonal matrix: its blocks lie along the diagonal, nothing else is run.
    """
    bias = None if layer.bias is None else layer.bias.detach().float().cpu().numpy()
    matrix = layer.matrix().detach().cpu()
    weight = (matrix if matrix.dtype == torch.float64 else matrix.float()).numpy()
    layout = layer.layout
    if layer.groups > 1:
        layout, weight = block_diagonal(layout, layer.groups), diagonal_matrix(weight, layer.groups)
    return Work(
        layout, weight, input_shape, bias=bias, conv=layer.conv, dtype=DTYPE_NAMES[x.dtype], device=str(x.device)
    )


def training_step(layer: BlockLayer) -> LayerStep | None:
    """Return the step that trains a layer in float32; None where none does, or the dense product is as fast.

    On CUDA a layer is trained by the kernel that it names alone: the steps timed there were slower than the dense layer's.
    """
    if layer.kernel == "auto" and layer.values.is_cuda:
        return None
    if not layer.layout.blocks or layer.groups > 1 or layer.layout.after.density > MOST_DENSITY_OF_A_STEP:
        return None
    names = preferred_kernels() if layer.kernel == "auto" else (layer.kernel,)
    work = layer_work(layer, smallest_input(layer), layer.values.detach())
    kernels = [KERNELS[name] for name in names]
    return next((kernel.step(work) for kernel in kernels if not kernel.step_unsupported_reason(work)), None)


def smallest_input(layer: BlockLayer) -> tuple[int, ...]:
    """Return the shape of an input, as `Work` has it, that gives one position."""
    cols = layer.layout.after.cols * layer.groups
    if layer.conv is None:
        return cols, 1
    height, width = layer.conv.kernel_shape
    return 1, cols // (height * width), height, width
