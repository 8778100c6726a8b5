"""The weights of a whole model, by the names its state_dict gives them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from typing_extensions import TypeIs

from sparselab.core.inputs.tensors import NO_VALUES, why_not_read
from sparselab.core.modules.kinds import QUANTISED, Kind, is_quantised, kind_of
from sparselab.core.modules.values import (
    computing_hook,
    in_blocks,
    is_pruned,
    is_semi_structured,
    kind_of_blocks,
    swap_axes,
    tensor_of,
)
from sparselab.core.ticket import Skipped
from sparselab.core.torch_private import children_of

if TYPE_CHECKING:
    from torch import nn

_WRAPPERS = frozenset({"_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"})
"""What torch.compile, FSDP and activation checkpointing call the model they wrap."""


@dataclass(frozen=True, eq=False)
class ModuleWeight:
    """A weight of a live model: the module at `path` has it as `attribute`, of `shape` in its own axes.

    `how`: how it comes about where it is no plain parameter, in words; "" where it is.
    """

    path: str
    module: Any
    attribute: str
    shape: tuple[int, ...]
    kind: Kind
    how: str = ""

    @property
    def raw_name(self) -> str:
        """The name as the model spells it, wrappers and all."""
        return _dotted(self.path, self.attribute)

    @property
    def name(self) -> str:
        """The name without wrappers: that of the inner model's state_dict."""
        return without_wrappers(self.raw_name)

    @property
    def shape_out_first(self) -> tuple[int, ...]:
        """The shape as (out, in / groups, kernel)."""
        if not self.kind.in_first:
            return self.shape
        groups = self.kind.groups
        return (self.shape[1] * groups, self.shape[0] // groups, *self.shape[2:])

    @property
    def matrix_shape(self) -> tuple[int, int]:
        """The shape as a matrix out x n."""
        rows, *others = self.shape_out_first
        return rows, prod(others)

    def as_matrix(self, array: NDArray[Any]) -> NDArray[Any]:
        """Return an array in the module's axes as a matrix out x n."""
        turned = swap_axes(array, self.kind.groups) if self.kind.in_first else array
        return turned.reshape(self.matrix_shape)

    def from_matrix(self, matrix: NDArray[Any]) -> NDArray[Any]:
        """Return a matrix out x n in the module's axes."""
        array = matrix.reshape(self.shape_out_first)
        return np.ascontiguousarray(swap_axes(array, self.kind.groups) if self.kind.in_first else array)


class UnreadWeight(Skipped):
    """A weight whose numbers are not there, or not to be read as they are, and why."""


def is_module(value: object) -> TypeIs[nn.Module]:
    """Whether a value is a module of torch; where torch is not loaded, nothing is."""
    torch: Any = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.nn.Module)


def without_wrappers(name: str) -> str:
    """Return a name without what wrappers put into it: `module.` in front, and torch's own names anywhere.

    Example: >>> without_wrappers("module.layers._orig_mod.0.weight")
             'layers.0.weight'
    """
    parts = [part for part in name.split(".") if part not in _WRAPPERS]
    while len(parts) > 1 and parts[0] == "module":
        parts = parts[1:]
    return ".".join(parts)


def weights_of(model: nn.Module) -> tuple[tuple[ModuleWeight, ...], tuple[Skipped, ...]]:
    """Return the weights of a model in its own order, and what of it is no weight, or cannot be read, with the reason.

    A buffer is never a weight; which parameters are is said by the class of their module (see `kind_of`). A module that
    lies at two places is found at both, as in a state_dict.
    """
    weights: list[ModuleWeight] = []
    skipped: list[Skipped] = []
    for path, module in _modules(model):
        for item in _of_module(path, module):
            if isinstance(item, Skipped):
                skipped.append(item)
            else:
                weights.append(item)
    return tuple(weights), tuple(skipped)


def _modules(module: nn.Module, path: str = "") -> Iterator[tuple[str, nn.Module]]:
    from torch.nn.utils import parametrize

    yield path, module
    if is_quantised(module):
        return
    for name, child in children_of(module).items():
        if not (name == "parametrizations" and parametrize.is_parametrized(module)):
            yield from _modules(child, _dotted(path, name))


def _of_module(path: str, module: nn.Module) -> Iterator[ModuleWeight | Skipped]:
    if is_quantised(module):
        yield UnreadWeight(without_wrappers(_dotted(path, "weight")), QUANTISED)
        return
    if in_blocks(module):
        yield ModuleWeight(path, module, "weight", module.dense_shape, kind_of_blocks(module), "in blocks")
    for attribute, how in _attributes(module).items():
        yield _weight(path, module, attribute, how)
    for attribute, _ in module.named_buffers(recurse=False):
        if not (attribute.endswith("_mask") and is_pruned(module, attribute.removesuffix("_mask"))):
            yield Skipped(without_wrappers(_dotted(path, attribute)), "a buffer, not a weight")


def _attributes(module: nn.Module) -> dict[str, str]:
    """Return the parameters of a module by the attributes under which it uses them, and how each comes about."""
    from torch.nn.utils import parametrize

    found = {}
    for name, _ in module.named_parameters(recurse=False, remove_duplicate=False):
        base, _, part = name.rpartition("_")
        if part == "orig" and is_pruned(module, base):
            found[base] = "pruned by torch.nn.utils.prune"
        elif base and part in ("orig", "g", "v") and (hook := computing_hook(module, base)) is not None:
            found[base] = f"computed by {type(hook).__name__}"
        else:
            found[name] = ""
    if parametrize.is_parametrized(module):
        for name, steps in module.parametrizations.items():  # type: ignore[operator, union-attr]
            found[name] = "computed by " + " and ".join(type(step).__name__ for step in steps)
    return found


def _weight(path: str, module: nn.Module, attribute: str, how: str) -> ModuleWeight | Skipped:
    from torch.nn.parameter import is_lazy

    name = without_wrappers(_dotted(path, attribute))
    pruned = how and is_pruned(module, attribute)
    tensor = getattr(module, f"{attribute}_orig") if pruned else tensor_of(module, attribute) if how else None
    if tensor is None:
        tensor = dict(module.named_parameters(recurse=False, remove_duplicate=False))[attribute]
    if is_lazy(tensor):
        return UnreadWeight(name, "not initialised yet: run the model once")
    if tensor.dim() < 2:
        return Skipped(name, "a vector" if tensor.dim() else "a scalar")
    if tensor.numel() == 0:
        return Skipped(name, "no elements")
    kind = kind_of(module, attribute, tuple(tensor.shape))
    if isinstance(kind, str):
        return Skipped(name, kind)
    if why := "" if is_semi_structured(tensor) else why_not_read(tensor):
        return UnreadWeight(name, "without values: give the model values first" if why == NO_VALUES else why)
    if not tensor.is_floating_point():
        return UnreadWeight(name, f"{str(tensor.dtype).removeprefix('torch.')} numbers, which are no weights")
    return ModuleWeight(path, module, attribute, tuple(tensor.shape), kind, how)


def _dotted(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
