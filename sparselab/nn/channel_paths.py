"""Where a layer's channels go in a traced network: what passes them on one by one, and the layer that reads them."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.nn import functional

Prunable = nn.Linear | nn.Conv2d

NORMS = (nn.BatchNorm2d, nn.BatchNorm1d)
_ELEMENTWISE = (nn.ReLU, nn.ReLU6, nn.GELU, nn.SiLU, nn.Hardswish, nn.Identity, nn.Dropout, nn.Dropout2d)
_POOLS = (nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d)
_POOL_FUNCTIONS = (functional.max_pool2d, functional.avg_pool2d, functional.adaptive_avg_pool2d)
_RELU = (torch.relu, functional.relu, "relu", "relu_")
_MAPS = {(2, 3), (-2, -1)}


@dataclass(frozen=True)
class Path:
    """The nodes that pass a layer's channels on, and the layer that reads each as `features` of its columns."""

    steps: tuple[fx.Node, ...]
    reader: Prunable
    features: int


def path_of(graph: fx.GraphModule, node: fx.Node) -> Path | str:
    """Return where the channels of the layer called at `node` go, or why they cannot be followed.

    They are followed as maps (N x C x H x W, after a convolution) or as features (the last dimension, after a linear layer,
    a flatten or a mean over the map), for as long as each step treats every channel alone. BatchNorm1d is taken to see
    N x C.
    """
    layer = module_at(graph, node)
    if isinstance(layer, nn.Conv2d) and layer.groups > 1:
        return "its channels are in groups, which a missing one would shift"
    channels, maps = _channels(layer), isinstance(layer, nn.Conv2d)
    steps: list[fx.Node] = []
    while True:
        if isinstance(module_at(graph, node), (nn.Linear, nn.Conv2d, *NORMS)) and _times_read(graph, node) > 1:
            return f"{node.target} is called or read more than once"
        if len(node.users) != 1:
            return "its channels are read in several places"
        node = next(iter(node.users))
        module = module_at(graph, node)
        if _reads(module, channels, maps=maps):
            if _times_read(graph, node) > 1:
                return f"{node.target} is called or read more than once"
            assert isinstance(module, nn.Linear | nn.Conv2d)
            features = module.in_features // channels if isinstance(module, nn.Linear) else 1
            return Path(tuple(steps), module, features)
        after = _passed(node, module, channels, maps=maps)
        if after is None:
            return f"what follows ({_name(node)}) is not known to treat each channel alone"
        maps = after
        steps.append(node)


def zero_at_the_end(graph: fx.GraphModule, layer: Prunable, path: Path) -> Tensor:
    """Return which channels are 0 at the end of the path if the layer's weights are 0 there."""
    value = torch.zeros(layer.weight.shape[0]) if layer.bias is None else layer.bias.detach().cpu().clone()
    for step in path.steps:
        module = module_at(graph, step)
        if isinstance(module, NORMS):
            value = _normalised(module, value)
        elif isinstance(module, _ELEMENTWISE):
            value = module(value.clone())
        elif step.target in _RELU:
            value = value.relu()
        elif (
            isinstance(module, nn.AvgPool2d) or step.target is functional.avg_pool2d
        ):  # not constant at a padded border
            value = torch.where(value == 0, value, torch.nan)
    return value == 0


def module_at(graph: fx.GraphModule, node: fx.Node) -> nn.Module | None:
    """Return the module a node calls; None for a node that calls none."""
    return graph.get_submodule(str(node.target)) if node.op == "call_module" else None


def _channels(layer: nn.Module | None) -> int:
    assert isinstance(layer, nn.Linear | nn.Conv2d)
    return layer.weight.shape[0]


def _reads(module: nn.Module | None, channels: int, *, maps: bool) -> bool:
    if isinstance(module, nn.Conv2d):
        return maps and module.groups == 1 and module.in_channels == channels
    return isinstance(module, nn.Linear) and not maps and module.in_features % channels == 0


def _passed(node: fx.Node, module: nn.Module | None, channels: int, *, maps: bool) -> bool | None:
    """Return whether maps come out of a step that treats each channel alone; None for any other step."""
    target: Any = node.target
    if isinstance(module, _ELEMENTWISE) or (module is None and target in _RELU):
        return maps
    if isinstance(module, NORMS):
        return maps if isinstance(module, nn.BatchNorm2d) == maps and module.num_features == channels else None
    if not maps:
        return None
    if isinstance(module, _POOLS) or target in _POOL_FUNCTIONS:
        return True
    if isinstance(module, nn.Flatten):
        return False if (module.start_dim, module.end_dim) == (1, -1) else None
    if target in (torch.flatten, "flatten"):
        return False if _arguments(node, ("start_dim", 0), ("end_dim", -1)) == (1, -1) else None
    if target in (torch.mean, "mean"):
        dims, keep = _arguments(node, ("dim", ()), ("keepdim", False))
        return bool(keep) if isinstance(dims, tuple | list) and tuple(sorted(dims)) in _MAPS else None
    return None


def _arguments(node: fx.Node, *wanted: tuple[str, object]) -> tuple[Any, ...]:
    """Return arguments after the first, given by position or by name, or what they are when not given."""
    if set(node.kwargs) - {name for name, _ in wanted}:
        return (None,) * len(wanted)
    positional = node.args[1:]
    return tuple(
        positional[index] if index < len(positional) else node.kwargs.get(name, default)
        for index, (name, default) in enumerate(wanted)
    )


def _normalised(module: nn.BatchNorm2d | nn.BatchNorm1d, value: Tensor) -> Tensor:
    """Return what normalisation in eval mode makes of channels that are constant."""
    if module.running_mean is None:  # of the batch itself, whose mean is the constant
        return torch.zeros_like(value) if module.bias is None else module.bias.detach().cpu()
    shape = (1, -1, *[1] * (2 * isinstance(module, nn.BatchNorm2d)))
    normalised: Tensor = copy.deepcopy(module).cpu().eval()(value.to(module.running_mean.dtype).view(shape))
    return normalised.flatten().detach()


def _times_read(graph: fx.GraphModule, node: fx.Node) -> int:
    """Return how many nodes call the module of a node, under whatever name, or read a parameter of it."""
    module = module_at(graph, node)
    inside = f"{node.target}."
    return sum(
        module_at(graph, other) is module
        if other.op == "call_module"
        else other.op == "get_attr" and str(other.target).startswith(inside)
        for other in graph.graph.nodes
    )


def _name(node: fx.Node) -> str:
    return str(getattr(node.target, "__name__", node.target))
