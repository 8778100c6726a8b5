"""A block layer's products as operations of torch's own, so that torch.compile calls the kernels and does not look inside.

X and Y are as the layer has them: positions x features, or N x C x H x W, contiguous. `layer` is the number of a live layer.
They are defined without `torch.library.custom_op`, whose look for shared memory at every call takes longer than a small product.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any
from weakref import WeakValueDictionary

import torch
from torch import Tensor

from sparselab.core.torch_private import operation
from sparselab.nn.support.block_layer import BlockLayer
from sparselab.nn.support.step_function import bias_gradient

_LAYERS: WeakValueDictionary[int, BlockLayer] = WeakValueDictionary()
_NUMBERS = count()


def numbered(layer: BlockLayer) -> int:
    """Return a number by which the operations find a layer for as long as it lives, in this process."""
    number = next(_NUMBERS)
    _LAYERS[number] = layer
    return number


@torch.compiler.assume_constant_result  # type: ignore[untyped-decorator]
def trains_by_kernel(layer: int) -> bool:
    """Whether a layer has a training step in float32: asked once, when the model is compiled."""
    return _LAYERS[layer].step is not None


def product(x: Tensor, values: Tensor, bias: Tensor | None, layer: int, *, trains: bool) -> Tensor:
    """Return Y of an X as the layer has it, by a prepared kernel, or with gradients by its step."""
    run = block_step if trains else block_product
    y: Tensor = run(x.contiguous(), values, bias, layer)
    return y


def _block_product(x: Tensor, values: Tensor, bias: Tensor | None, layer: int) -> Tensor:
    found = _LAYERS[layer]
    if values.data_ptr() != found.values.data_ptr():  # others stand in for the layer's own
        return _as_layer(found, found.dense_product(_as_work(found, x), values, bias))
    return _as_layer(found, found.multiply(_as_work(found, x)))


def _block_step(x: Tensor, values: Tensor, bias: Tensor | None, layer: int) -> Tensor:
    found = _LAYERS[layer]
    assert found.step is not None
    found.doubt()  # an optimizer is about to write
    return _as_layer(found, found.step.product(_as_work(found, x), values, bias))


def _block_input_gradient(slope: Tensor, x: Tensor, values: Tensor, layer: int) -> Tensor:
    found = _LAYERS[layer]
    assert found.step is not None
    gradient = found.step.input_gradient(_as_work(found, slope), _as_work(found, x), values)
    return _as_layer(found, gradient)


def _block_value_gradient(slope: Tensor, x: Tensor, values: Tensor, layer: int) -> Tensor:
    found = _LAYERS[layer]
    assert found.step is not None
    return found.step.value_gradient(_as_work(found, slope), _as_work(found, x))


def _fake_product(x: Tensor, values: Tensor, bias: Tensor | None, layer: int) -> Tensor:
    found = _LAYERS[layer]
    if found.conv is None:
        return x.new_empty(x.shape[0], found.layout.after.rows)
    kernel, (stride, padding) = found.conv.kernel_shape, (found.conv.stride, found.conv.padding)
    sides = [(side + 2 * padding - extent) // stride + 1 for side, extent in zip(x.shape[2:], kernel, strict=True)]
    return x.new_empty(x.shape[0], found.layout.after.rows, *sides)


def _fake_input_gradient(slope: Tensor, x: Tensor, values: Tensor, layer: int) -> Tensor:
    return x.new_empty(x.shape)


def _fake_value_gradient(slope: Tensor, x: Tensor, values: Tensor, layer: int) -> Tensor:
    return values.new_empty(values.shape)


def _remember(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    x, values, _, ctx.layer = inputs
    ctx.save_for_backward(x, values)


def _gradients(ctx: Any, slope: Tensor) -> tuple[Tensor | None, ...]:
    x, values = ctx.saved_tensors
    slope = slope.contiguous()
    return (
        block_input_gradient(slope, x, values, ctx.layer) if ctx.needs_input_grad[0] else None,
        block_value_gradient(slope, x, values, ctx.layer) if ctx.needs_input_grad[1] else None,
        bias_gradient(slope.t() if slope.dim() == 2 else slope) if ctx.needs_input_grad[2] else None,
        None,
    )


def _as_work(layer: BlockLayer, x: Tensor) -> Tensor:
    """Return an X or Y as `Work` has it."""
    return x.t() if layer.conv is None else x


def _as_layer(layer: BlockLayer, y: Tensor) -> Tensor:
    """Return an X or Y as the layer has it, contiguous."""
    return (y.t() if layer.conv is None else y).contiguous()


def _defined(name: str, parameters: str, run: Callable[..., Tensor], fake: Callable[..., Tensor]) -> Any:
    """Return a new operation of torch, which changes none of its inputs and returns a tensor of its own."""
    torch.library.define(f"sparselab::{name}", f"({parameters}) -> Tensor")
    torch.library.impl(f"sparselab::{name}", "CompositeExplicitAutograd", run)
    torch.library.register_fake(f"sparselab::{name}", fake)
    return operation(f"sparselab::{name}")


_FORWARD, _BACKWARD = (
    "Tensor x, Tensor values, Tensor? bias, int layer",
    "Tensor slope, Tensor x, Tensor values, int layer",
)
block_product = _defined("block_product", _FORWARD, _block_product, _fake_product)
block_step = _defined("block_step", _FORWARD, _block_step, _fake_product)
block_input_gradient = _defined("block_input_gradient", _BACKWARD, _block_input_gradient, _fake_input_gradient)
block_value_gradient = _defined("block_value_gradient", _BACKWARD, _block_value_gradient, _fake_value_gradient)
torch.library.register_autograd("sparselab::block_step", _gradients, setup_context=_remember)
