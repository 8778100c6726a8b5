"""What a module's weight is worth: plain, pruned by torch, computed by a parametrization or a hook, sparse, or in our blocks."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeGuard

import numpy as np
from numpy.typing import NDArray

from sparselab.core.errors import SparselabError
from sparselab.core.inputs.arrays import as_array
from sparselab.core.layout import Layout
from sparselab.core.modules.kinds import Kind
from sparselab.core.torch_private import forward_pre_hooks

if TYPE_CHECKING:
    import torch
    from torch import nn


class HasBlocks(Protocol):
    """A module whose weight lies in the blocks of a layout: `BlockLinear` and its like.

    `dense_shape` is (out, in / groups, kernel).
    """

    layout: Layout
    dense_shape: tuple[int, ...]
    stride: int
    padding: int
    groups: int

    def matrix(self) -> torch.Tensor:
        """Return the weight out x n."""


@dataclass(frozen=True, eq=False)
class Values:
    """A weight, and its mask where one is kept apart from it; arrays in the module's own axes."""

    weight: NDArray[Any]
    mask: NDArray[Any] | None = None


def in_blocks(module: object) -> TypeGuard[HasBlocks]:
    """Whether a module is one of our block layers."""
    return isinstance(getattr(module, "layout", None), Layout) and callable(getattr(module, "matrix", None))


def kind_of_blocks(module: HasBlocks) -> Kind:
    """Return the kind of the weight of a block layer."""
    return Kind(stride=module.stride, padding=module.padding, groups=module.groups)


def is_semi_structured(tensor: object) -> bool:
    """Whether a tensor is compressed by torch to two of every four weights."""
    from torch.sparse import SparseSemiStructuredTensor

    return isinstance(tensor, SparseSemiStructuredTensor)


def is_pruned(module: nn.Module, attribute: str) -> bool:
    """Whether torch.nn.utils.prune holds the weight and its mask apart."""
    parameters, buffers = (dict(named(recurse=False)) for named in (module.named_parameters, module.named_buffers))
    return f"{attribute}_orig" in parameters and f"{attribute}_mask" in buffers


def computing_hook(module: nn.Module, attribute: str) -> Any | None:
    """Return the hook of weight_norm or spectral_norm that computes a weight before every forward pass, or None."""
    hooks = (hook for hook in forward_pre_hooks(module) if hasattr(hook, "compute_weight"))
    return next((hook for hook in hooks if getattr(hook, "name", None) == attribute), None)


def values_of(module: nn.Module, attribute: str) -> Values:
    """Return a weight as it is now; the module is left as it was.

    What a parametrization or hook computes is computed as in eval mode, without gradients.

    Raises: SparselabError for what cannot be computed or read.
    """
    import torch

    with torch.no_grad():
        if in_blocks(module):
            kept = module.layout.after.kept.reshape(module.dense_shape)
            return Values(as_array(module.matrix().reshape(module.dense_shape)), kept)
        if is_pruned(module, attribute):
            weight, mask = (getattr(module, f"{attribute}_{part}") for part in ("orig", "mask"))
            return Values(as_array(weight), as_array(mask))
        tensor = tensor_of(module, attribute)
        return Values(as_array(tensor.detach().to_dense() if is_semi_structured(tensor) else tensor))


def tensor_of(module: nn.Module, attribute: str) -> torch.Tensor:
    """Return a weight that is one tensor, computed anew where it is computed."""
    import torch
    from torch.nn.utils import parametrize

    with torch.no_grad():
        if parametrize.is_parametrized(module, attribute):
            # A copy, because some count how often they are asked, and none should be asked in training mode.
            computed = copy.deepcopy(module.parametrizations[attribute]).eval()  # type: ignore[index, union-attr]
            return _computed(computed, module, attribute)
        hook = computing_hook(module, attribute)
        if hook is not None:
            power = {"do_power_iteration": False} if hasattr(hook, "n_power_iterations") else {}
            return _computed(lambda: hook.compute_weight(module, **power), module, attribute)
        found: torch.Tensor = getattr(module, attribute)
        return found


def _computed(compute: Any, module: nn.Module, attribute: str) -> torch.Tensor:
    try:
        found: torch.Tensor = compute()
    except Exception as error:  # a parametrization is somebody else's code
        raise SparselabError(
            f"expected a {attribute} that {type(module).__name__} can compute; it raised {type(error).__name__}: {error}"
        ) from error
    return found


def swap_axes(array: NDArray[Any], groups: int = 1) -> NDArray[Any]:
    """Return (in, out / groups, kernel) as (out, in / groups, kernel), and the other way about.

    Example: >>> swap_axes(np.zeros((8, 3, 5, 5)), groups=2).shape
             (6, 4, 5, 5)
    """
    first, second = array.shape[:2]
    parts = array.reshape(groups, first // groups, second, *array.shape[2:])
    return np.swapaxes(parts, 1, 2).reshape(groups * second, first // groups, *array.shape[2:])
