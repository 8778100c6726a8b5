"""Whole channels taken out of a network: the layer that made them, what passes them on, and the layer that reads them."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, fx, nn

from sparselab.errors import SparselabError
from sparselab.layout import Layout
from sparselab.nn.converting import layer_of, masked

Prunable = nn.Linear | nn.Conv2d

_NORMS = (nn.BatchNorm2d, nn.BatchNorm1d)
_BY_CHANNEL = (
    *_NORMS,
    nn.ReLU,
    nn.ReLU6,
    nn.GELU,
    nn.SiLU,
    nn.Hardswish,
    nn.Identity,
    nn.Dropout,
    nn.Dropout2d,
)
_POOLS = (nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d, nn.Flatten)
_FUNCTIONS = {
    torch.relu,
    torch.nn.functional.relu,
    torch.nn.functional.max_pool2d,
    torch.nn.functional.avg_pool2d,
    torch.flatten,
}
_FUNCTIONS |= {torch.nn.functional.adaptive_avg_pool2d}
_METHODS = {"relu", "relu_", "flatten", "mean"}


@dataclass(frozen=True)
class Sliced:
    """A smaller network; `channels` says how many of each layer's are left, `stayed` why channels of a layer were not taken out."""

    model: fx.GraphModule
    channels: Mapping[str, tuple[int, int]]
    stayed: Mapping[str, str]


def sliced(model: nn.Module, layouts: Mapping[str, Layout]) -> Sliced:
    """Return a copy of `model`, in eval mode, without the channels that layouts drop whole and that carry exact zeros.

    A dropped channel of a layer gives its bias, or 0; if normalisation and activation leave 0 of it, then nobody after
    needs it: its row of the weight, its normalisation and the columns that read it go, and every layer stays a dense one.
    Channels are followed through modules that treat each channel alone (BatchNorm, ReLU, pooling, flatten), up to the next
    convolution or linear layer. The outputs are those of the masked model, up to the order of additions.

    Raises: SparselabError for a model that torch.fx cannot trace.
    Source: Structure-LTH (ICML 2022), Sec. 3.2, where a refilled network is a narrower one.
    """
    new = masked(model, layouts).eval()
    try:
        graph = fx.symbolic_trace(new)
    except Exception as error:  # torch.fx raises what the model's own code raises when it meets a symbol
        raise SparselabError(f"expected a model that torch.fx can trace; {error}") from None
    nodes = {node.target: node for node in graph.graph.nodes if node.op == "call_module"}
    channels: dict[str, tuple[int, int]] = {}
    stayed: dict[str, str] = {}
    for name, layout in layouts.items():
        target = name.removesuffix(".weight")
        dropped = torch.from_numpy(~layout.after.kept.any(axis=1))
        if not dropped.any():
            continue
        if target not in nodes:
            stayed[name] = "it is not called by its own name"
            continue
        layer, chain = layer_of(graph, target), _chain(graph, nodes[target])
        if isinstance(chain, str):
            stayed[name] = chain
            continue
        left = ~(dropped & _is_zero(graph, layer, chain[:-1]))
        if left.all():
            stayed[name] = "its dropped channels still carry a constant, as their normalisation has a bias"
            continue
        if not left.any():
            left[0] = True  # a layer of no channels is none that torch runs
        _cut(graph, layer, chain, torch.nonzero(left).flatten())
        channels[name] = int(left.sum()), left.numel()
    return Sliced(graph, channels, stayed)


def _chain(graph: fx.GraphModule, node: fx.Node) -> list[fx.Node] | str:
    """Return the nodes that pass a layer's channels on, and last the layer that reads them; or why there are none such."""
    found: list[fx.Node] = []
    while True:
        users = list(node.users)
        if len(users) != 1:
            return "its channels are read in several places"
        node = users[0]
        module = _module(graph, node)
        found.append(node)
        if isinstance(module, nn.Linear) or (isinstance(module, nn.Conv2d) and module.groups == 1):
            return found
        passes = isinstance(module, (*_BY_CHANNEL, *_POOLS))
        passes |= node.op == "call_function" and node.target in _FUNCTIONS
        passes |= node.op == "call_method" and node.target in _METHODS
        if not passes:
            return f"what follows ({node.target}) does not treat each channel alone"


def _is_zero(graph: fx.GraphModule, layer: Prunable, chain: list[fx.Node]) -> Tensor:
    """Return which channels are 0 at the end of the chain if the layer's weights are 0 there. Pooling leaves 0 as it is."""
    value = torch.zeros(layer.weight.shape[0]) if layer.bias is None else layer.bias.detach().cpu()
    for step in chain:
        module = _module(graph, step)
        if isinstance(module, _NORMS):
            shape = (1, -1, *[1] * (2 * isinstance(module, nn.BatchNorm2d)))
            value = copy.deepcopy(module).cpu().eval()(value.view(shape)).flatten().detach()
        elif isinstance(module, _BY_CHANNEL):
            value = module(value.clone())
        elif step.target in (torch.relu, torch.nn.functional.relu, "relu", "relu_"):
            value = value.relu()
    return value == 0


def _cut(graph: fx.GraphModule, layer: Prunable, chain: list[fx.Node], left: Tensor) -> None:
    """Keep the channels `left` of a layer, of what passes them on, and of the columns that read them."""
    before = layer.weight.shape[0]
    _keep(layer, ("weight", "bias"), left)
    setattr(layer, "out_channels" if isinstance(layer, nn.Conv2d) else "out_features", left.numel())
    for step in chain[:-1]:
        module = _module(graph, step)
        if isinstance(module, _NORMS):
            _keep(module, ("weight", "bias", "running_mean", "running_var"), left)
            module.num_features = left.numel()
    reader = _module(graph, chain[-1])
    assert isinstance(reader, nn.Linear | nn.Conv2d)
    each = 1 if isinstance(reader, nn.Conv2d) else reader.in_features // before  # features of a flattened channel
    columns = (left[:, None] * each + torch.arange(each)).flatten()
    setattr(reader, "in_channels" if isinstance(reader, nn.Conv2d) else "in_features", columns.numel())
    reader.weight = nn.Parameter(reader.weight.detach().index_select(1, columns.to(reader.weight.device)))


def _module(graph: fx.GraphModule, node: fx.Node) -> nn.Module | None:
    return graph.get_submodule(str(node.target)) if node.op == "call_module" else None


def _keep(module: nn.Module, names: tuple[str, ...], left: Tensor) -> None:
    for name in names:
        values = getattr(module, name)
        if values is not None:
            part = values.detach().index_select(0, left.to(values.device))
            setattr(module, name, nn.Parameter(part) if isinstance(values, nn.Parameter) else part)
