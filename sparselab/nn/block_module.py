"""What BlockLinear and BlockConv2d share: one parameter for all blocks, and a kernel for inference."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self, cast

import torch
from torch import Tensor, nn
from torch.autograd import forward_ad
from torch.nn import functional

from sparselab.core.errors import SettingError
from sparselab.core.groups import block_diagonal, diagonal_matrix
from sparselab.core.layout import Layout
from sparselab.core.mask import IntVector
from sparselab.core.torch_private import in_dispatch_mode, in_function_transform
from sparselab.kernels import DENSE, KERNELS, preferred_kernels
from sparselab.kernels.base import Conv, Run, Work
from sparselab.kernels.steps import LayerStep
from sparselab.nn.panel_weights import panel_indices_of
from sparselab.nn.run_cache import RunCache
from sparselab.nn.step_function import StepFunction

MOST_DENSITY_OF_A_STEP = 0.7
"""With a larger share of the weights in blocks, a training step multiplies the dense weight: a rule of thumb. A step took half to
two thirds of the dense one's time at .5 (2 threads of an AMD EPYC with AVX-512), and grows with the density."""

_DTYPES = {torch.float32: "float32", torch.float16: "float16", torch.bfloat16: "bfloat16", torch.float64: "float64"}


class BlockModule(nn.Module):
    """A layer whose weight lies in the blocks of a layout.

    `values` holds the weights of all blocks, panel after panel, row after row; weights outside are not stored. Gradients
    reach `values` and `bias` alone, so what is dropped stays dropped. With gradients off, a kernel of `KERNELS` runs the layer;
    it is prepared and tuned at the first call of an input shape, and anew when the values have changed: when torch counted a
    change in place, after a call with gradients on, and after `train()` and `eval()` changed the mode. Whoever writes to
    values behind torch's back, as through `.data`, without any of these in between, calls `forget()`.

    With gradients on, blocks in float32 on the CPU run forward and backward through a kernel that trains: Y, dX and dW touch kept
    weights alone. Elsewhere (other types and devices, masks without blocks, convolutions in groups, nearly dense layouts,
    no C compiler) the dense weight is made of the values and multiplied; so it is for a backward pass that is differentiated again.

    Where the kernel named runs any mask, the layout needs no blocks; inputs that this kernel cannot run (of other types, or on
    other devices) are then multiplied by the dense weight.

    Inputs are of the type and on the device of the values, as dense layers ask for; under autocast they are cast, and so is
    the answer. What is traced, compiled or transformed (torch.export, torch.compile, torch.func) runs as tensor operations.
    """

    values: nn.Parameter
    bias: nn.Parameter | None
    flat_rows: Tensor
    flat_cols: Tensor

    def __init__(self, layout: Layout, dense: nn.Linear | nn.Conv1d | nn.Conv2d, kernel: str = "auto") -> None:
        super().__init__()
        if kernel != "auto" and kernel not in KERNELS:
            raise SettingError(f"kernel: expected auto or one of {', '.join(KERNELS)}; got {kernel!r}")
        matrix = dense.weight.detach().reshape(dense.weight.shape[0], -1)
        if tuple(matrix.shape) != layout.after.shape:
            raise SettingError(f"expected a layer of {layout.after.shape}; got one of {tuple(matrix.shape)}")
        runs_any_mask = kernel != "auto" and KERNELS[kernel].runs_any_mask
        self.layout, self.kernel = layout, kernel
        self.panel_indices = panel_indices_of(layout, any_mask=runs_any_mask)
        self.dense_shape = tuple(dense.weight.shape)
        for name, indices in self.indices().items():
            self.register_buffer(name, torch.from_numpy(indices.copy()).to(matrix.device), persistent=False)
        self._runs = RunCache()
        self._step: tuple[LayerStep | None] | None = None
        self.values = nn.Parameter(matrix[self.flat_rows, self.flat_cols].clone(), dense.weight.requires_grad)
        bias = dense.bias
        self.bias = None if bias is None else nn.Parameter(bias.detach().clone(), bias.requires_grad)
        self.train(dense.training)

    def indices(self) -> dict[str, IntVector]:
        """Return the buffers: where the values lie, which follows from the layout and is no part of the state."""
        return dict(zip(("flat_rows", "flat_cols"), self.panel_indices.flat, strict=True))

    @property
    def groups(self) -> int:
        """In how many groups the rows see inputs of their own."""
        return 1

    @property
    def conv(self) -> Conv | None:
        """The convolution's geometry as kernels run it; None for a linear layer."""
        return None

    @property
    def stride(self) -> int:
        """Steps of a convolution; 1 for a linear layer."""
        return 1 if self.conv is None else self.conv.stride

    @property
    def padding(self) -> int:
        """Zeros on every side of a convolution's input; 0 for a linear layer."""
        return 0 if self.conv is None else self.conv.padding

    def matrix(self, values: Tensor | None = None) -> Tensor:
        """Return the weight, or one with other values, as a dense matrix out x n, zeros outside the blocks; gradients flow
        through it."""
        values = self.values if values is None else values
        matrix = values.new_zeros(self.layout.after.shape)
        return matrix.index_put((self.flat_rows, self.flat_cols), values)

    @property
    def weight(self) -> Tensor:
        """The weight in the shape of the dense layer's, made anew at every look: for code that reads it instead of calling."""
        return self.matrix().view(self.dense_shape)

    def kernel_of(self, work: Work) -> str:
        """Return the name of the kernel that runs `work`: the one asked for, or the first preferred that can; dense for a mask
        without blocks that it cannot run."""
        names = preferred_kernels() if self.kernel == "auto" else (self.kernel,)
        if not self.layout.blocks:
            names = (*names, *DENSE)
        obstacles = {name: KERNELS[name].unsupported_reason(work) for name in names}
        found = next((name for name, obstacle in obstacles.items() if not obstacle), None)
        if found is None:
            raise SettingError("; ".join(f"{name}: {obstacle}" for name, obstacle in obstacles.items()))
        return found

    def work(self, input_shape: tuple[int, ...], x: Tensor) -> Work:
        """Return the product this layer is for an input of `input_shape` (as `Work` has it) of the type and device of x.

        A grouped convolution is the product of one block-diagonal matrix: its blocks lie along the diagonal, nothing else is run.
        """
        bias = None if self.bias is None else self.bias.detach().float().cpu().numpy()
        matrix = self.matrix().detach().cpu()
        weight = (matrix if matrix.dtype == torch.float64 else matrix.float()).numpy()
        layout = self.layout
        if self.groups > 1:
            layout, weight = block_diagonal(layout, self.groups), diagonal_matrix(weight, self.groups)
        return Work(
            layout,
            weight,
            input_shape,
            bias=bias,
            conv=self.conv,
            dtype=_DTYPES[x.dtype],
            device=str(x.device),
        )

    def accepted(self, x: Tensor) -> Tensor:
        """Return x, in the type autocast asks for where it is on.

        Raises: SettingError for an x of another type, or on another device, than the values.
        """
        kind, dtype = x.device.type, self.values.dtype
        if _autocast(kind) and x.is_floating_point() and x.dtype != torch.float64:
            x = x.to(torch.get_autocast_dtype(kind))
        elif x.dtype != dtype:
            raise SettingError(f"expected an input of {dtype}, the type of the layer's values; got {x.dtype}")
        if x.device != self.values.device:
            raise SettingError(f"expected an input on {self.values.device}, as the layer's values; got {x.device}")
        return x

    def dense_product(self, x: Tensor, values: Tensor, bias: Tensor | None) -> Tensor:
        """Return Y of an input as `Work` has it by tensor operations on the dense weight."""
        weight = self.matrix(values).view(self.dense_shape).to(x.dtype)
        bias = None if bias is None else bias.to(x.dtype)
        if self.conv is None:
            return functional.linear(x.t(), weight, bias).t()
        return functional.conv2d(
            x, weight, bias, stride=self.conv.stride, padding=self.conv.padding, groups=self.groups
        )

    def product(self, x: Tensor) -> Tensor:
        """Return Y of an input as `Work` has it: by a kernel, by a training step, or else by tensor operations."""
        if self.uses_kernel(x):
            return self.multiply(x)
        step = self._step_for(x)
        if step is None:
            return self.dense_product(x, self.values, self.bias)
        return cast(Tensor, StepFunction.apply(x, self.values, self.bias, step, self.dense_product))  # type: ignore[no-untyped-call]

    def _step_for(self, x: Tensor) -> LayerStep | None:
        """Return the training step that runs x; None where tensor operations on the dense weight do."""
        types = x.dtype, self.values.dtype, torch.float32 if self.bias is None else self.bias.dtype
        if _traced(x) or set(types) != {torch.float32} or x.device.type != "cpu" or not x.numel():
            return None
        if self._step is None:
            self._step = (self._new_step(x),)
        return self._step[0]

    def _new_step(self, x: Tensor) -> LayerStep | None:
        if not self.layout.blocks or self.groups > 1 or self.layout.after.density > MOST_DENSITY_OF_A_STEP:
            return None
        names = preferred_kernels() if self.kernel == "auto" else (self.kernel,)
        training = [KERNELS[name] for name in names if KERNELS[name].trains]
        work = self.work(tuple(x.shape), x) if training else None
        return next((kernel.step(work) for kernel in training if work and not kernel.unsupported_reason(work)), None)

    def multiply(self, x: Tensor) -> Tensor:
        """Run the kernel on an input as `Work` has it, prepared for this shape and these values."""
        values = (self.values,) if self.bias is None else (self.values, self.bias)
        return self._runs.run(x, values, lambda: self._prepared(x))(x)

    def _prepared(self, x: Tensor) -> Run:
        work = self.work(tuple(x.shape), x)
        return KERNELS[self.kernel_of(work)].prepare(work)

    def uses_kernel(self, x: Tensor) -> bool:
        """Whether a kernel may run x: nothing to differentiate, numbers alone are wanted, and there is something to multiply."""
        if torch.is_grad_enabled():
            if self.values.requires_grad and not torch.compiler.is_compiling():
                self.forget()  # an optimizer is about to write, and fused ones do not say so
            return False
        return not _traced(x) and x.device.type in ("cpu", "cuda") and x.numel() > 0 and x.dtype in _DTYPES

    def forget(self) -> None:
        """Forget what was prepared from the values: the next call prepares anew."""
        self._runs.forget()

    def train(self, mode: bool = True) -> Self:
        if mode != self.training:
            self.forget()
        return super().train(mode)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        for name, indices in self.indices().items():  # `to_empty` leaves a buffer without its numbers
            setattr(self, name, torch.from_numpy(indices.copy()).to(self.values.device))
        return self

    def __getstate__(self) -> dict[str, Any]:
        # Prepared runs belong to one process: they hold addresses.
        return {**self.__dict__, "_runs": RunCache(), "_step": None}

    def extra_repr(self) -> str:
        rows, cols = self.layout.after.shape
        density = self.values.numel() / (rows * cols)
        return f"{rows} x {cols}, {len(self.layout.blocks)} blocks, density {density:.3f}, kernel {self.kernel}"


def _autocast(kind: str) -> bool:
    return torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind)


def _traced(x: Tensor) -> bool:
    """Whether more is wanted of x than numbers: a record of the operations on it, a batch within it, or a tangent."""
    return (
        torch.compiler.is_compiling()
        or torch.jit.is_tracing()  # type: ignore[attr-defined, no-untyped-call]
        or type(x) not in (Tensor, nn.Parameter)
        or in_function_transform()
        or in_dispatch_mode()
        or forward_ad.unpack_dual(x).tangent is not None  # type: ignore[no-untyped-call]
    )
