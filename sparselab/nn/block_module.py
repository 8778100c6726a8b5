"""What BlockLinear and BlockConv2d share: one parameter for all blocks, and a kernel for inference."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from sparselab.errors import SettingError
from sparselab.kernels import KERNELS
from sparselab.kernels.base import Conv, Run, Work
from sparselab.layout import Layout
from sparselab.nn.panel_weights import places_of

PREFERRED = ("triton-blocks", "channel-slice", "native-blocks", "gather-gemm")
"""Kernels for inference, the first that can run a layout is taken; whole channels are a smaller dense layer."""

_DTYPES = {torch.float32: "float32", torch.float16: "float16", torch.bfloat16: "bfloat16", torch.float64: "float64"}
_MOST_RUNS = 8


class BlockModule(nn.Module):
    """A layer whose weight lies in the blocks of a layout.

    `values` holds the weights of all blocks, panel after panel, row after row; weights outside are not stored. Gradients
    reach `values` and `bias` alone, so what is dropped stays dropped. With gradients off, a kernel of `KERNELS` runs the layer;
    it is prepared and tuned at the first call of an input shape, and anew when `values` have changed.
    """

    values: nn.Parameter
    bias: nn.Parameter | None
    flat_rows: Tensor
    flat_cols: Tensor

    def __init__(self, layout: Layout, dense: nn.Linear | nn.Conv2d, kernel: str = "auto") -> None:
        super().__init__()
        if kernel != "auto" and kernel not in KERNELS:
            raise SettingError(f"kernel: expected auto or one of {', '.join(KERNELS)}; got {kernel!r}")
        matrix = dense.weight.detach().reshape(dense.weight.shape[0], -1)
        if tuple(matrix.shape) != layout.after.shape:
            raise SettingError(f"expected a layer of {layout.after.shape}; got one of {tuple(matrix.shape)}")
        self.layout, self.kernel, self.places = layout, kernel, places_of(layout)
        rows, cols = (torch.from_numpy(part).to(matrix.device) for part in self.places.flat)
        self.register_buffer("flat_rows", rows, persistent=False)
        self.register_buffer("flat_cols", cols, persistent=False)
        self.values = nn.Parameter(matrix[rows, cols].clone())
        self.bias = None if dense.bias is None else nn.Parameter(dense.bias.detach().clone())
        self.train(dense.training)
        self._runs: dict[Any, Run] = {}

    @property
    def conv(self) -> Conv | None:
        """The convolution's geometry; None for a linear layer."""
        return None

    def matrix(self) -> Tensor:
        """Return the weight as a dense matrix out x n, zeros outside the blocks; gradients flow through it."""
        matrix = self.values.new_zeros(self.layout.after.shape)
        return matrix.index_put((self.flat_rows, self.flat_cols), self.values)

    def kernel_of(self, work: Work) -> str:
        """Return the name of the kernel that runs `work`: the one asked for, or the first preferred that can."""
        names = PREFERRED if self.kernel == "auto" else (self.kernel,)
        obstacles = {name: KERNELS[name].obstacle(work) for name in names}
        found = next((name for name, obstacle in obstacles.items() if not obstacle), None)
        if found is None:
            raise SettingError("; ".join(f"{name}: {obstacle}" for name, obstacle in obstacles.items()))
        return found

    def work(self, input_shape: tuple[int, ...], x: Tensor) -> Work:
        """Return the product this layer is for an input of `input_shape` (as `Work` has it) of the type and device of x."""
        bias = None if self.bias is None else self.bias.detach().float().cpu().numpy()
        matrix = self.matrix().detach().cpu()
        weight = (matrix if matrix.dtype == torch.float64 else matrix.float()).numpy()
        return Work(self.layout, weight, input_shape, bias, self.conv, _DTYPES[x.dtype], str(x.device))

    def multiply(self, x: Tensor) -> Tensor:
        """Run the kernel on an input as `Work` has it, prepared for this shape and these values."""
        versions = (self.values.data_ptr(), _version(self.values), None if self.bias is None else _version(self.bias))
        key = (tuple(x.shape), x.dtype, x.device, versions)
        if key not in self._runs:
            self._runs = {known: run for known, run in self._runs.items() if known[-1] == versions}
            while len(self._runs) >= _MOST_RUNS:
                self._runs.pop(next(iter(self._runs)))
            work = self.work(tuple(x.shape), x)
            self._runs[key] = KERNELS[self.kernel_of(work)].prepare(work)
        return self._runs[key](x)

    def uses_kernel(self, x: Tensor) -> bool:
        """Whether a kernel may run x: nothing to differentiate, nothing being traced, and something to multiply."""
        return (
            not torch.is_grad_enabled() and not torch.compiler.is_compiling() and x.numel() > 0 and x.dtype in _DTYPES
        )

    def __getstate__(self) -> dict[str, Any]:
        # Prepared runs belong to one process: they hold addresses.
        return {**self.__dict__, "_runs": {}}

    def extra_repr(self) -> str:
        rows, cols = self.layout.after.shape
        density = self.values.numel() / (rows * cols)
        return f"{rows} x {cols}, {len(self.layout.blocks)} blocks, density {density:.3f}, kernel {self.kernel}"


def _version(values: Tensor) -> int:
    """Return how often a tensor was changed in place; tensors made in inference mode do not count that, nor may they change."""
    return 0 if values.is_inference() else values._version
