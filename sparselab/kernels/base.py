"""What is multiplied, and what a kernel is: Y = W X + b, W zero outside a layout."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from sparselab.core.device import as_tensor
from sparselab.core.errors import SettingError, SparselabError, UnavailableError
from sparselab.core.groups import grouped_in_words
from sparselab.core.inputs.generators import Rng, as_generator
from sparselab.core.inputs.layers import LayerLike, as_layer
from sparselab.core.layer import FloatMatrix
from sparselab.core.layout import Layout
from sparselab.core.plugins import expect_instance, expect_texts
from sparselab.kernels.steps import LayerStep

if TYPE_CHECKING:
    import torch

Run = Callable[["torch.Tensor"], "torch.Tensor"]
"""A prepared product: from X to a new tensor Y. What it needs besides is packed beforehand."""

DTYPES = ("float32", "tf32", "float16", "bfloat16", "float64")
"""Arithmetic a product may be asked for; "tf32" stores float32 and multiplies in TF32, on CUDA only."""

PRODUCTS = ("matrix", "convolution")
"""Kinds of products: W X for a matrix X, or the convolution of images with W."""


@dataclass(frozen=True)
class Conv:
    """A two-dimensional convolution: kernel (kh, kw), stride and zero padding alike in both directions."""

    kernel_shape: tuple[int, int]
    stride: int = 1
    padding: int = 0

    def output_size(self, height: int, width: int) -> tuple[int, int]:
        """Return (H', W') with H' = (H + 2 padding - kh) // stride + 1; at least one position is needed.

        Raises: SettingError where the padded input is smaller than the kernel.
        """
        sizes = [
            (size + 2 * self.padding - extent) // self.stride + 1
            for size, extent in zip((height, width), self.kernel_shape, strict=True)
        ]
        if min(sizes) < 1:
            extent = "x".join(map(str, self.kernel_shape))
            raise SettingError(f"expected an input that a {extent} kernel fits into; got {height}x{width}")
        return sizes[0], sizes[1]


@dataclass(frozen=True, eq=False)
class Work:
    """One product to run: Y = W X + b with W = weight where `layout.after` keeps it, 0 elsewhere.

    weight: out x n, columns in PyTorch's order (cin, kh, kw). bias: out, or None.
    input_shape: what kernels are tuned for; a prepared run takes other numbers of positions and images too.
        conv None:  X is n x positions (features first, rows contiguous), Y is out x positions
        else:       X is N x C x H x W (NCHW), Y is N x out x H' x W'
    """

    layout: Layout
    weight: FloatMatrix
    input_shape: tuple[int, ...]
    bias: NDArray[np.floating[Any]] | None = None
    conv: Conv | None = None
    dtype: str = "float32"
    device: str = "cpu"

    def __post_init__(self) -> None:
        shape = self.layout.after.shape
        if self.weight.shape != shape:
            raise SparselabError(f"expected weights of shape {shape}; got {self.weight.shape}")
        if self.bias is not None and self.bias.shape != shape[:1]:
            raise SparselabError(f"expected a bias of shape {shape[:1]}; got {self.bias.shape}")
        if self.dtype not in DTYPES:
            raise SettingError(f"dtype: expected one of {', '.join(DTYPES)}; got {self.dtype!r}")
        if self.dtype == "tf32" and not self.on_cuda:
            raise UnavailableError("dtype: tf32 is an arithmetic of CUDA devices; choose float32 on the CPU")
        if len(self.input_shape) != (2 if self.conv is None else 4) or min(self.input_shape) < 1:
            wanted = "features, positions" if self.conv is None else "N, C, H, W"
            raise SettingError(f"expected an input of {wanted}; got {self.input_shape}")
        area = 1 if self.conv is None else self.conv.kernel_shape[0] * self.conv.kernel_shape[1]
        features = self.input_shape[0 if self.conv is None else 1] * area
        if features != shape[1]:
            raise SettingError(f"expected an input that gives {shape[1]} columns; {self.input_shape} gives {features}")
        self.output_shape  # noqa: B018 - a kernel that does not fit the input is told of here

    @property
    def on_cuda(self) -> bool:
        return self.device.startswith("cuda")

    @property
    def product(self) -> str:
        """Which of `PRODUCTS` it is."""
        return "matrix" if self.conv is None else "convolution"

    @property
    def torch_dtype(self) -> torch.dtype:
        """The type the numbers are stored in."""
        import torch

        dtype: torch.dtype = getattr(torch, "float32" if self.dtype == "tf32" else self.dtype)
        return dtype

    @property
    def output_shape(self) -> tuple[int, ...]:
        rows = self.layout.after.rows
        if self.conv is None:
            return rows, self.input_shape[1]
        return (self.input_shape[0], rows, *self.conv.output_size(*self.input_shape[2:]))

    @property
    def positions(self) -> int:
        """Columns of Y as a matrix: positions, or images x output size."""
        return int(np.prod(self.output_shape)) // self.layout.after.rows

    @property
    def tensor_shape(self) -> tuple[int, ...]:
        """The weight's shape in PyTorch: (out, in) or (out, in, kh, kw)."""
        rows, cols = self.layout.after.shape
        return (rows, cols) if self.conv is None else (rows, self.input_shape[1], *self.conv.kernel_shape)

    @property
    def masked_weight(self) -> FloatMatrix:
        """W: the weights where kept, exactly 0 elsewhere, even where a dropped one is not a number."""
        return np.where(self.layout.after.kept, self.weight, self.weight.dtype.type(0))

    def tensor(self, array: NDArray[Any]) -> torch.Tensor:
        """Return a copy of `array` in the product's type on its device."""
        return as_tensor(array, self.device).to(self.torch_dtype)

    @property
    def bias_tensor(self) -> torch.Tensor | None:
        return None if self.bias is None else self.tensor(self.bias)


def work_of(
    layer: LayerLike,
    layout: Layout,
    *,
    positions: int | None = None,
    images: tuple[int, int, int, int] | None = None,
    dtype: str = "float32",
    device: str = "cpu",
    rng: Rng = None,
) -> Work:
    """Return the product of a layer, or of what stands for one: a matrix product at `positions`, or its convolution over `images` (N, C, H, W).

    A layer without weights gets standard normal ones from `rng`: time does not depend on them, errors do.
    Raises: SettingError unless exactly one of `positions` and `images` is given, when a linear layer gets images, or for a
        grouped convolution: its rows do not see the same X.
    """
    if (positions is None) == (images is None):
        raise SettingError("expected either a number of positions or an input N, C, H, W; got both or neither")
    layer = as_layer(layer)
    if layer.groups > 1:
        raise SettingError(
            f"{layer.name}: expected a layer all of whose rows see the same input; got a "
            f"{grouped_in_words(layer.groups, layer.mask.rows)}, which no kernel here is measured on"
        )
    if layer.weight is None:
        weight: FloatMatrix = as_generator(rng).standard_normal(layer.mask.shape, dtype=np.float32)
    else:
        # What the layout grew is 0 in a pruned file; the arithmetic is the same.
        weight = layer.weight.astype(np.float64 if dtype == "float64" else np.float32, copy=False)
    if images is None:
        assert positions is not None
        return Work(layout, weight, (layer.mask.cols, positions), dtype=dtype, device=device)
    if layer.kernel_shape is None or len(layer.kernel_shape) != 2:
        raise SettingError(
            f"{layer.name}: expected a convolution with a two-dimensional kernel; give positions instead"
        )
    conv = Conv((layer.kernel_shape[0], layer.kernel_shape[1]), layer.stride, layer.padding)
    return Work(layout, weight, images, conv=conv, dtype=dtype, device=device)


def random_input(work: Work, seed: int = 0) -> torch.Tensor:
    """Return standard normal X, the same numbers on every device."""
    import torch

    rng = torch.Generator().manual_seed(seed)
    return torch.randn(work.input_shape, generator=rng).to(work.device, work.torch_dtype)


def reference(work: Work, x: torch.Tensor) -> torch.Tensor:
    """Return Y of the dense product in float64 on the CPU: the oracle. Weights and X are first rounded to the product's type."""
    from torch.nn import functional

    weight, bias = (
        None if part is None else part.cpu().double() for part in (work.tensor(work.masked_weight), work.bias_tensor)
    )
    assert weight is not None
    x = x.cpu().double()
    if work.conv is None:
        y = weight @ x
        return y if bias is None else y + bias[:, None]
    kernel = weight.reshape(work.tensor_shape)
    return functional.conv2d(x, kernel, bias, stride=work.conv.stride, padding=work.conv.padding)


def max_error(work: Work, x: torch.Tensor, y: torch.Tensor) -> float:
    """Return max |y - reference| / max(|reference|), the relative error of the worst output; max |y| where all should be 0."""
    return error_against(reference(work, x), y)


def error_against(exact: torch.Tensor, y: torch.Tensor) -> float:
    """Return `max_error` of y where the answer of `reference` is at hand."""
    if tuple(y.shape) != tuple(exact.shape):
        raise SparselabError(f"expected outputs of shape {tuple(exact.shape)}; got {tuple(y.shape)}")
    scale = float(exact.abs().max()) or 1.0
    return float((y.cpu().double() - exact).abs().max()) / scale


TOLERANCES = {"float64": 1e-12, "float32": 1e-4, "tf32": 5e-3, "float16": 1e-2, "bfloat16": 5e-2}
"""Largest `max_error` of a kernel that is right, by the arithmetic: its rounding over some thousand terms, with room."""


@dataclass(frozen=True)
class Kernel(ABC):
    """Code that runs a product on a device."""

    title: ClassVar[str]
    source: ClassVar[str]
    devices: ClassVar[tuple[str, ...]] = ("cpu", "cuda")
    """Types of devices it is written for; `unsupported_reason` says what else it asks of one."""
    products: ClassVar[tuple[str, ...]] = PRODUCTS
    """Kinds of products it multiplies."""
    is_dense: ClassVar[bool] = False
    """Whether it multiplies the zeros too: what speedups are ratios to."""
    runs_blocks: ClassVar[bool] = False
    """Whether it runs any layout of blocks as a sparse product; others ask for masks of a form of their own, or are dense."""
    runs_any_mask: ClassVar[bool] = False
    """Whether it runs a mask without blocks too, and multiplies its kept weights alone."""
    trains: ClassVar[bool] = False
    """Whether it runs a training step too, as `step` says."""
    preference: ClassVar[int | None] = None
    """Its place among the kernels that a converted model tries, lowest first; None: only when it is asked for."""

    @abstractmethod
    def unsupported_reason(self, work: Work) -> str:
        """Return why this kernel cannot run `work` here, in words that say what would mend it; "" when it can."""

    @abstractmethod
    def prepare(self, work: Work) -> Run:
        """Pack the weights, tune if need be, and return the run. Only for work without an `unsupported_reason`."""

    def step_unsupported_reason(self, work: Work) -> str:
        """Return why this kernel cannot train `work` here, as `unsupported_reason`; "" when it can."""
        return self.unsupported_reason(work) if self.trains else "runs forward passes and trains nothing"

    def step(self, work: Work) -> LayerStep:
        """Return the training step of `work`, whatever its weights are. Only for work without a `step_unsupported_reason`."""
        raise UnavailableError(f"expected a kernel that trains; {self.title} runs forward passes: take another")


def check_kernel(name: str, kernel: Any) -> None:
    """Raises: SettingError unless what a plug-in brings is a kernel that is measured against a dense one."""
    expect_instance(kernel, Kernel)
    expect_texts(kernel, "title", "source")
    if kernel.is_dense:
        raise SettingError("expected a kernel that is not dense: every kind of product has its dense one")
