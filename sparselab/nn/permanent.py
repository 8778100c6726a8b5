"""A copy of a model, and weights in it that pruning or a mask computes made plain parameters."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize, prune

from sparselab.core.modules.values import in_blocks, is_pruned, is_semi_structured, tensor_of
from sparselab.core.modules.weights import ModuleWeight


def copied(model: nn.Module) -> nn.Module:
    """Return a copy; what torch refuses to copy is copied here: a tensor that was computed, such as a pruned weight, by its
    numbers, and a parameter that is compressed."""
    computed = {
        id(value): value.detach().clone()
        for module in model.modules()
        for value in vars(module).values()
        if isinstance(value, Tensor) and not value.is_leaf
    }
    compressed = {
        id(value): nn.Parameter(value.detach().clone(), value.requires_grad)
        for value in model.parameters()
        if value.layout != torch.strided
    }
    return copy.deepcopy(model, {**computed, **compressed})


def make_permanent(weight: ModuleWeight) -> str:
    """Make a weight a plain parameter with the numbers it has; return "", or why it stays as it is.

    What torch.nn.utils.prune or a parametrization that multiplies by a constant mask has dropped is then 0. A weight that is
    computed in another way is left alone: its numbers would no longer follow the parameters they come from.
    """
    module, attribute = weight.module, weight.attribute
    if in_blocks(module):
        return "it runs in blocks already, so that its mask is not applied"
    if is_pruned(module, attribute):
        for name in [name for name, _ in module.named_parameters(recurse=False)]:
            if name.endswith("_orig") and is_pruned(module, base := name.removesuffix("_orig")):
                prune.remove(module, base)  # type: ignore[no-untyped-call]
    elif parametrize.is_parametrized(module, attribute):
        if not _is_mask(module.parametrizations[attribute]):
            return _left(weight, "torch.nn.utils.parametrize.remove_parametrizations")
        # The class that torch made for the module is the original's too, and loses the attribute here.
        shared = type(module)
        module.__class__ = type(shared.__name__, shared.__bases__, dict(vars(shared)))
        parametrize.remove_parametrizations(module, attribute)
    elif weight.how:
        return _left(weight, "torch.nn.utils.remove_weight_norm or remove_spectral_norm")
    _make_dense(module, attribute)
    return ""


def _left(weight: ModuleWeight, remover: str) -> str:
    return f"its weight is {weight.how}, so that its mask is not applied: make it permanent first, as with {remover}"


def _is_mask(steps: parametrize.ParametrizationList) -> bool:
    """Whether a weight is its parameter times a buffer of zeros and ones, and nothing more."""
    if len(steps) != 1 or not hasattr(steps, "original"):
        return False
    step, weight = copy.deepcopy(steps[0]).eval(), steps.original.detach()
    buffers = [buffer for buffer in step.buffers() if buffer.dim() > 0]
    if len(buffers) != 1 or list(step.parameters()):
        return False
    mask, (one, found) = buffers[0].to(weight.dtype), (step(value) for value in (torch.ones_like(weight), weight))
    zeros_and_ones = bool(((mask == 0) | (mask == 1)).all())
    return zeros_and_ones and torch.equal(one, one * mask) and torch.equal(one * weight, found)


def _make_dense(module: nn.Module, attribute: str) -> None:
    """Put a sparse parameter's numbers into a dense one."""
    tensor = tensor_of(module, attribute)
    if tensor.layout != torch.strided or is_semi_structured(tensor):
        setattr(module, attribute, nn.Parameter(tensor.detach().to_dense(), tensor.requires_grad))
