"""How large a layer's inputs and output gradients are, column by column and row by row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from sparselab.training.network import padding_of


class Norms:
    """Watches layers for one forward and backward pass: s_i of every output row and s_j of every input column.

    |dL/dw_ij| <= s_i * s_j, with s_i = sqrt(sum over examples and positions of (dL/dy_i)^2) and s_j likewise of the inputs
    that column j multiplies. In a grouped convolution a column multiplies one input a group, and s_j counts them all.
    """

    def __init__(self, modules: Sequence[nn.Module]) -> None:
        self._modules = list(modules)
        self._inputs: dict[int, torch.Tensor] = {}
        self._outputs: dict[int, torch.Tensor] = {}
        self._hooks: list[Any] = []

    def listen(self) -> None:
        """Watch from now on."""
        self.hush()
        self._inputs, self._outputs = {}, {}
        self._hooks = [module.register_forward_hook(self._hook(place)) for place, module in enumerate(self._modules)]

    def hush(self) -> None:
        """Watch no more."""
        for hook in self._hooks:
            hook.remove()
        self._hooks = []

    def of(self, place: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Return s_i (rows) and s_j (columns) of the layer at `place`."""
        return self._outputs[place].sqrt(), self._inputs[place].sqrt()

    def _hook(self, place: int) -> Any:
        def watch(module: nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
            if not output.requires_grad:
                return
            self._inputs[place] = _column_squares(module, inputs[0].detach())

            def keep(gradient: torch.Tensor) -> None:
                rows = gradient if isinstance(module, nn.Linear) else gradient.movedim(1, -1)
                self._outputs[place] = rows.float().square().reshape(-1, rows.shape[-1]).sum(dim=0)

            output.register_hook(keep)  # type: ignore[no-untyped-call]

        return watch


def _column_squares(module: nn.Module, inputs: torch.Tensor) -> torch.Tensor:
    """Return the sum of squares of what every column of the weight matrix multiplies."""
    squares = inputs.float().square()
    if isinstance(module, nn.Linear):
        return squares.reshape(-1, squares.shape[-1]).sum(dim=0)
    if isinstance(module, nn.Conv1d):  # as a convolution over images of one row
        squares = squares.unsqueeze(2)
    assert isinstance(module, nn.Conv1d | nn.Conv2d)
    windows = F.unfold(
        squares.sum(dim=0, keepdim=True),
        _pair(module.kernel_size, 1),
        dilation=_pair(module.dilation, 1),
        padding=_pair(padding_of(module), 0),
        stride=_pair(module.stride, 1),
    )
    return windows.sum(dim=(0, 2)).reshape(module.groups, -1).sum(dim=0)


def _pair(sizes: tuple[int, ...], missing: int) -> tuple[int, int]:
    first, second = sizes if len(sizes) == 2 else (missing, *sizes)
    return first, second
