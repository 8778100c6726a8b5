"""Whole channels taken out of a network: the layer that made them, what passes them on, and the layer that reads them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, fx, nn

from sparselab.core.errors import SparselabError
from sparselab.core.layout import Layout
from sparselab.nn.channel_paths import NORMS, Path, Prunable, module_at, path_of, zero_at_the_end
from sparselab.nn.converting import masked
from sparselab.nn.located import layer_of


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
    Channels are followed through steps that treat each channel alone (BatchNorm, activations, pooling, a flatten or mean of a
    whole map), up to the next convolution or linear layer; `stayed` names the step where that ends. The outputs are those of
    the masked model, up to the order of additions, for inputs with a batch: N x C x H x W, or N x C where BatchNorm1d runs.

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
        layer = layer_of(graph, target)
        if not isinstance(layer, Prunable):
            stayed[name] = f"channels of {type(layer).__name__} are not taken out"
            continue
        path = path_of(graph, nodes[target])
        if isinstance(path, str):
            stayed[name] = path
            continue
        left = ~(dropped & zero_at_the_end(graph, layer, path))
        if left.all():
            stayed[name] = "its dropped channels still carry a constant, as their normalisation has a bias"
            continue
        if not left.any():
            left[0] = True  # a layer of no channels is none that torch runs
        _cut(graph, layer, path, torch.nonzero(left).flatten())
        channels[name] = int(left.sum()), left.numel()
    return Sliced(graph, channels, stayed)


def _cut(graph: fx.GraphModule, layer: Prunable, path: Path, left: Tensor) -> None:
    """Keep the channels `left` of a layer, of what passes them on, and of the columns that read them."""
    _keep(layer, ("weight", "bias"), left)
    setattr(layer, "out_channels" if isinstance(layer, nn.Conv2d) else "out_features", left.numel())
    for step in path.steps:
        module = module_at(graph, step)
        if isinstance(module, NORMS):
            _keep(module, ("weight", "bias", "running_mean", "running_var"), left)
            module.num_features = left.numel()
    reader, each = path.reader, path.features
    columns = (left[:, None] * each + torch.arange(each)).flatten()
    setattr(reader, "in_channels" if isinstance(reader, nn.Conv2d) else "in_features", columns.numel())
    weight = reader.weight.detach().index_select(1, columns.to(reader.weight.device))
    reader.weight = nn.Parameter(weight, reader.weight.requires_grad)


def _keep(module: nn.Module, names: tuple[str, ...], left: Tensor) -> None:
    for name in names:
        values = getattr(module, name)
        if values is not None:
            part = values.detach().index_select(0, left.to(values.device))
            setattr(
                module, name, nn.Parameter(part, values.requires_grad) if isinstance(values, nn.Parameter) else part
            )
