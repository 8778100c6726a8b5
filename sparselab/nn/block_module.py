"""What BlockLinear and BlockConv2d share: one parameter for all blocks, and a kernel for inference."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self, cast

import torch
from numpy.typing import NDArray
from torch import Tensor, fx, nn
from torch.nn import functional

from sparselab.core.errors import SettingError
from sparselab.core.layout import Layout
from sparselab.kernels import KERNELS
from sparselab.kernels.base import Conv, Run
from sparselab.kernels.steps import LayerStep
from sparselab.kernels.support.autotune import Chosen
from sparselab.nn.panel_weights import panel_indices_of
from sparselab.nn.support import compiled_ops
from sparselab.nn.support.layer_kernels import can_run, is_tried, kernel_for, layer_work, prepared_run, training_step
from sparselab.nn.support.layout_state import DIGEST, digest_of, refusal
from sparselab.nn.support.run_cache import RunCache
from sparselab.nn.support.step_function import StepFunction
from sparselab.nn.support.tensor_states import any_traced, is_compiled, under_autocast


class BlockModule(nn.Module):
    """A layer whose weight lies in the blocks of a layout.

    `values` holds the weights of all blocks, panel after panel, row after row; weights outside are not stored. Gradients
    reach `values` and `bias` alone, so what is dropped stays dropped. With gradients off, a kernel of `KERNELS` runs the layer;
    it is prepared and tuned at the first call of an input shape, and anew when the values have changed: when torch counted a
    change in place; and where their numbers differ after a call with gradients on, or after `train()` and `eval()` changed the
    mode. Whoever writes to values behind torch's back, as through `.data`, without any of these in between, calls `forget()`.

    The state holds a digest of the places that the values belong to, and a layer loads no state of another layout. States of
    older versions hold none and load as they did.

    With gradients on, blocks in float32 on the CPU run forward and backward through a kernel that trains: Y, dX and dW touch kept
    weights alone. Elsewhere (other types and devices, masks without blocks, convolutions in groups, nearly dense layouts,
    no C compiler) the dense weight is made of the values and multiplied; so it is for a backward pass that is differentiated again.
    Where the kernel named runs any mask, the layout needs no blocks; inputs that it cannot run are then multiplied by the dense weight.

    Inputs are of the type and on the device of the values, as for dense layers; under autocast they are cast, as is the answer. Unless a
    kernel is named, float16 on the CPU runs the dense layer with these weights, and bfloat16 and CUDA whatever was quicker in a trial at
    the first call of a shape (`runs_as` tells). Under torch.compile the kernels are operations of their own; torch.fx sees a layer as one
    module. What is exported, traced or transformed otherwise (torch.export, torch.jit, torch.func) runs as tensor operations.
    """

    values: nn.Parameter
    bias: nn.Parameter | None
    flat_places: Tensor

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
            self.register_buffer(name, torch.from_numpy(indices.copy()).to(matrix.device), persistent=name == DIGEST)
        self._number = compiled_ops.numbered(self)
        self._runs = RunCache()
        self._step: tuple[LayerStep | None] | None = None
        self.values = nn.Parameter(matrix.flatten()[self.flat_places], dense.weight.requires_grad)
        bias = dense.bias
        self.bias = None if bias is None else nn.Parameter(bias.detach().clone(), bias.requires_grad)
        self.train(dense.training)

    def indices(self) -> dict[str, NDArray[Any]]:
        """Return the buffers: where the values lie, which follows from the layout and is no part of the state; its digest is."""
        (rows, cols), shape = self.panel_indices.flat, self.layout.after.shape
        return {"flat_places": rows * shape[1] + cols, DIGEST: digest_of(rows, cols, shape)}

    def forward(self, x: Tensor) -> Tensor:
        """Return what the dense layer returns of x, in the same memory format."""
        if isinstance(x, fx.Proxy):  # torch.fx records the layer as one module, as it does torch's own
            tracer = x.tracer
            return cast(Tensor, tracer.create_proxy("call_module", tracer.path_of_module(self), (x,), {}))
        return self.compute(x)

    def compute(self, x: Tensor) -> Tensor:
        """Return the layer's answer to numbers."""
        raise NotImplementedError

    def dense(self) -> nn.Module:
        """Return a dense layer with these weights, zeros outside the blocks, that shares no memory with this one."""
        raise NotImplementedError

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
        rows, cols = self.layout.after.shape
        return values.new_zeros(rows * cols).index_copy_(0, self.flat_places, values).view(rows, cols)

    @property
    def weight(self) -> Tensor:
        """The weight in the shape of the dense layer's, made anew at every look: for code that reads it instead of calling."""
        return self.matrix().view(self.dense_shape)

    def accepted(self, x: Tensor) -> Tensor:
        """Return x, in the type autocast asks for where it is on.

        Raises: SettingError for an x of another type, or on another device, than the values.
        """
        kind, dtype = x.device.type, self.values.dtype
        if under_autocast(kind) and x.is_floating_point() and x.dtype != torch.float64:
            x = x.to(torch.get_autocast_dtype(kind))
        elif x.dtype != dtype:
            raise SettingError(f"expected an input of {dtype}, the type of the layer's values; got {x.dtype}")
        if x.device != self.values.device:
            raise SettingError(f"expected an input on {self.values.device}, as the layer's values; got {x.device}")
        return x

    def dense_product(self, x: Tensor, values: Tensor, bias: Tensor | None) -> Tensor:
        """Return Y of an input as `Work` has it by tensor operations on the dense weight."""
        weight = self.matrix(values.to(x.dtype)).view(self.dense_shape)  # fewer numbers to cast than the matrix has
        return self.weighted(x, weight, None if bias is None else bias.to(x.dtype))

    def weighted(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """Return Y of an input as `Work` has it by the dense layer's own operation, all of one type."""
        if self.conv is None:
            return functional.linear(x.t(), weight, bias).t()
        return functional.conv2d(
            x, weight, bias, stride=self.conv.stride, padding=self.conv.padding, groups=self.groups
        )

    def product(self, x: Tensor) -> Tensor:
        """Return Y of an input as `Work` has it: by a kernel, by a training step, or else by tensor operations."""
        if is_compiled() and self._is_operation(x):
            mine = x.t() if self.conv is None else x
            y = compiled_ops.product(mine, self.values, self.bias, self._number, trains=torch.is_grad_enabled())
            return y.t() if self.conv is None else y
        if self.uses_kernel(x):
            return self.multiply(x)
        step = self._step_for(x)
        if step is None:
            return self.dense_product(x, self.values, self.bias)
        return cast(Tensor, StepFunction.apply(x, self.values, self.bias, step, self.dense_product))  # type: ignore[no-untyped-call]

    def _is_operation(self, x: Tensor) -> bool:
        """Whether a compiled model calls an operation of ours for x: a prepared kernel, or with gradients a training step."""
        if not torch.is_grad_enabled():
            return can_run(x)
        return bool(self.layout.blocks) and self._kernels_take(x) and compiled_ops.trains_by_kernel(self._number)

    def _kernels_take(self, x: Tensor) -> bool:
        """Whether x is of the type of a training step, and there is something to multiply."""
        types = {x.dtype, self.values.dtype, torch.float32 if self.bias is None else self.bias.dtype}
        return types == {torch.float32} and can_run(x)

    def _step_for(self, x: Tensor) -> LayerStep | None:
        """Return the training step that runs x; None where tensor operations on the dense weight do."""
        return self.step if self._kernels_take(x) and not any_traced(x, self.values, self.bias) else None

    @property
    def step(self) -> LayerStep | None:
        """The training step in float32, prepared at the first look; None where no kernel trains this layer."""
        if self._step is None:
            self._step = (training_step(self),)
        return self._step[0]

    def multiply(self, x: Tensor) -> Tensor:
        """Run the kernel on an input as `Work` has it, prepared for this shape and these values."""
        return self._run_for(x)(x)

    def _run_for(self, x: Tensor) -> Run:
        values = tuple(part for part in (self.values, self.bias) if part is not None)
        return self._runs.run(x, values, lambda choice: prepared_run(self, x, choice))

    def as_work(self, x: Tensor) -> Tensor:
        """Return an input of the layer as `Work` has it, in the type that is multiplied."""
        raise NotImplementedError

    def runs_as(self, x: Tensor) -> str:
        """Return the name of the kernel that runs an input of the layer without gradients, under this autocast; one of `DENSE`: the dense
        layer. On CUDA and in bfloat16 it prepares and tries, as a first call does.
        """
        return self.kernel_of(self.as_work(x))

    def kernel_of(self, x: Tensor) -> str:
        """Return the same of an input as `Work` has it."""
        run = self._run_for(x) if is_tried(self, x) else None
        return run.told if isinstance(run, Chosen) else kernel_for(self, layer_work(self, tuple(x.shape), x))

    def uses_kernel(self, x: Tensor) -> bool:
        """Whether a kernel may run x: nothing to differentiate, numbers alone are wanted, and there is something to multiply."""
        if torch.is_grad_enabled():
            if self.values.requires_grad and not torch.compiler.is_compiling():
                self.doubt()  # an optimizer is about to write, and fused ones do not say so
            return False
        return not any_traced(x, self.values, self.bias) and can_run(x)

    def forget(self) -> None:
        """Forget what was prepared from the values: the next call prepares anew."""
        self._runs.forget()

    def doubt(self) -> None:
        """Have the next call of a kernel look whether the values are still those it was prepared from."""
        self._runs.doubt()

    def train(self, mode: bool = True) -> Self:
        self.doubt()  # whatever the mode was: torch.compile's wrapper sets it before it calls this
        return super().train(mode)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        self._step = None  # which lies on the device that the values were on
        self._place_indices()  # `to_empty` leaves a buffer without its numbers
        return self

    def _place_indices(self) -> None:
        for name, indices in self.indices().items():
            setattr(self, name, torch.from_numpy(indices.copy()).to(self.values.device))

    def __getstate__(self) -> dict[str, Any]:
        # Prepared runs belong to one process: they hold addresses.
        return {name: value for name, value in self.__dict__.items() if name not in ("_runs", "_step")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)  # type: ignore[no-untyped-call]
        self._runs, self._step, self._number = RunCache(), None, compiled_ops.numbered(self)
        if "flat_places" not in self._buffers:  # pickled by an older version
            for name in ("flat_rows", "flat_cols"):
                self._buffers.pop(name, None)
            for name, indices in self.indices().items():
                self.register_buffer(name, torch.from_numpy(indices).to(self.values.device), persistent=name == DIGEST)

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *told: Any) -> None:
        *_, missing, _, errors = told
        if why := refusal(state_dict, prefix, self.indices()[DIGEST]):
            errors.append(why)
            return
        super()._load_from_state_dict(state_dict, prefix, *told)
        if f"{prefix}{DIGEST}" in missing:
            missing.remove(f"{prefix}{DIGEST}")
        if self.flat_places.device != self.values.device:  # values that were on no device were given some
            self._place_indices()

    def extra_repr(self) -> str:
        rows, cols = self.layout.after.shape
        density = self.values.numel() / (rows * cols)
        return f"{rows} x {cols}, {len(self.layout.blocks)} blocks, density {density:.3f}, kernel {self.kernel}"
