"""A layer's training step as one function of autograd."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from sparselab.kernels.steps import LayerStep

DenseProduct = Callable[[Tensor, Tensor, Tensor | None], Tensor]
"""Y of X, values and bias by tensor operations, which autograd records."""


class StepFunction(torch.autograd.Function):
    """Y of X, values and bias by a `LayerStep`; X and Y as `Work` has them.

    Gradients are those of the step. Where their own graph is asked for (`create_graph=True`), they are taken of the dense
    product instead, so that they can be differentiated again.
    """

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, values: Tensor, bias: Tensor | None, step: LayerStep, dense: DenseProduct
    ) -> Tensor:
        ctx.save_for_backward(x, values, bias)
        ctx.step, ctx.dense = step, dense
        return step.product(x, values, bias)

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor | None, ...]:
        (slope,), (x, values, bias) = slopes, ctx.saved_tensors
        wanted = ctx.needs_input_grad[:3]
        if torch.is_grad_enabled():
            return *_twice_differentiable(ctx.dense, slope, (x, values, bias), wanted), None, None
        return (
            ctx.step.input_gradient(slope, x, values) if wanted[0] else None,
            ctx.step.value_gradient(slope, x) if wanted[1] else None,
            bias_gradient(slope) if wanted[2] else None,
            None,
            None,
        )


def bias_gradient(slope: Tensor) -> Tensor:
    """Return the sum of dY over all positions: dY is out x positions, or N x out x H x W."""
    return slope.sum(dim=1 if slope.dim() == 2 else (0, 2, 3))


def _twice_differentiable(
    dense: DenseProduct, slope: Tensor, inputs: tuple[Tensor, Tensor, Tensor | None], wanted: tuple[bool, ...]
) -> list[Tensor | None]:
    asked = [part for part, is_wanted in zip(inputs, wanted, strict=True) if is_wanted and part is not None]
    found = iter(torch.autograd.grad(dense(*inputs), asked, slope, create_graph=True))
    return [next(found) if is_wanted else None for is_wanted in wanted]
