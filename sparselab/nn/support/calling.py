"""A model called with inputs of any form, and its answers compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from sparselab.core.errors import SettingError

Inputs = Tensor | tuple[Any, ...] | Mapping[str, Any]
"""What a model is called with: one tensor, a tuple of arguments in order, or arguments by name."""


def called(model: nn.Module, inputs: Inputs) -> Any:
    """Return what a model answers."""
    if isinstance(inputs, Mapping):
        return model(**inputs)
    return model(*inputs) if isinstance(inputs, tuple) else model(inputs)


@contextmanager
def inferring(*models: nn.Module) -> Iterator[None]:
    """Have models in eval mode, without gradients, and in their own modes again afterwards."""
    modes = [(module, module.training) for model in models for module in model.modules()]
    try:
        for model in models:
            model.eval()
        with torch.no_grad():
            yield
    finally:
        for module, mode in modes:
            module.training = mode


def largest_difference(model: nn.Module, other: nn.Module, inputs: Inputs) -> float:
    """Return max |a - b| / max |b| over all tensors of two models' outputs in eval mode, 0 where both are 0 everywhere.

    inputs: one tensor, a tuple of arguments, or arguments by name; outputs may be tensors in tuples, lists, and mappings.
    Raises: SettingError for outputs of two forms, or without a tensor of numbers.
    Example: >>> layer = nn.Linear(3, 2)
             >>> largest_difference(layer, layer, torch.ones(1, 3))
             0.0
    """
    with inferring(model, other):
        mine, theirs = (list(_tensors(called(each, inputs))) for each in (model, other))
    if not mine or [part.shape for part in mine] != [part.shape for part in theirs]:
        shapes = [[tuple(part.shape) for part in parts] for parts in (mine, theirs)]
        raise SettingError(
            f"expected outputs of the same shapes, of one tensor or more; got {shapes[0]} and {shapes[1]}"
        )
    tiny = torch.finfo(torch.float64).tiny
    scale = max(float(part.abs().max()) for part in theirs if part.numel()) if any(p.numel() for p in theirs) else 0.0
    pairs = [(a, b) for a, b in zip(mine, theirs, strict=True) if a.numel()]
    return max((float((a - b).abs().max()) for a, b in pairs), default=0.0) / max(scale, tiny)


def _tensors(output: Any) -> Iterator[Tensor]:
    """Yield all tensors of numbers in an output, in order, as float64."""
    if isinstance(output, Tensor):
        yield output.detach().cpu().double()
    elif isinstance(output, Mapping):
        for part in output.values():
            yield from _tensors(part)
    elif isinstance(output, (tuple, list)):
        for part in output:
            yield from _tensors(part)
