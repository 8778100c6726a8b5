"""The oracle of a training step: the dense layer in float64."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sparselab.kernels.base import Work

if TYPE_CHECKING:
    from torch import Tensor


def step_reference(work: Work, x: Tensor, slope: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return Y, dX and dW (out x n, dropped weights too) of the dense layer in float64 on the CPU: the oracle of a step."""
    import torch
    from torch.nn import functional

    x = x.detach().cpu().double().requires_grad_()
    weight = work.tensor(work.masked_weight).cpu().double().requires_grad_()
    bias = None if work.bias_tensor is None else work.bias_tensor.cpu().double()
    if work.conv is None:
        y = weight @ x if bias is None else weight @ x + bias[:, None]
    else:
        kernel = weight.view(work.tensor_shape)
        y = functional.conv2d(x, kernel, bias, stride=work.conv.stride, padding=work.conv.padding)
    gradients = torch.autograd.grad(y, (x, weight), slope.cpu().double())
    return y.detach(), gradients[0], gradients[1]
