"""Which block layer stands in for a module, or why none does."""

from __future__ import annotations

import torch
from torch import nn

from sparselab.core.errors import SparselabError
from sparselab.core.layout import Layout
from sparselab.core.modules.kinds import is_transposed_linear
from sparselab.core.modules.weights import ModuleWeight
from sparselab.core.torch_private import has_hooks
from sparselab.kernels import DENSE, KERNELS
from sparselab.kernels.support.panels import blocks_unsupported_reason
from sparselab.nn.block_module import BlockModule
from sparselab.nn.conv1d import BlockConv1d
from sparselab.nn.conv2d import BlockConv2d
from sparselab.nn.linear import BlockLinear
from sparselab.nn.support.layer_kernels import layer_work, smallest_input

DENSE_WAS_CHOSEN = "dense was chosen"

_SWAPS: dict[type[nn.Module], type[BlockLinear | BlockConv1d | BlockConv2d]] = {
    nn.Linear: BlockLinear,
    nn.Conv1d: BlockConv1d,
    nn.Conv2d: BlockConv2d,
}
"""By the very class: a subclass may compute in a way of its own."""

_NEVER: tuple[tuple[tuple[type[nn.Module], ...], str], ...] = (
    ((nn.MultiheadAttention, nn.RNNBase, nn.RNNCellBase), "{name} computes with its weights itself and calls no layer"),
    ((nn.Embedding, nn.EmbeddingBag), "an embedding looks rows up and multiplies nothing"),
    ((nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d), "no kernel runs a transposed convolution"),
    ((nn.Conv3d,), "no kernel runs a convolution in three dimensions"),
    ((nn.Bilinear,), "no kernel runs a product of two inputs"),
)


def block_layer(model: nn.Module, weight: ModuleWeight, layout: Layout, kernel: str) -> BlockModule | str:
    """Return the block layer that runs a layout out x n in a module's place, or why the module stays."""
    layer = weight.module
    if why := _never(model, layer) or _own_ways(model, weight):
        return why
    if kernel in DENSE:
        return DENSE_WAS_CHOSEN
    any_mask = kernel in KERNELS and KERNELS[kernel].runs_any_mask
    if not any_mask and (why := blocks_unsupported_reason(layout)):
        return why
    if layout.status == "dense":
        return "every weight is kept"
    if weight.kind.groups == weight.matrix_shape[0]:
        return "each of its rows sees an input of its own, so no two of them make a block"
    try:
        swap = _SWAPS.get(type(layer))
        made = BlockLinear(layout, _as_linear(layer), kernel) if swap is None else swap(layout, layer, kernel)
        return made if layout.blocks else (_mask_obstacle(made) or made)
    except SparselabError as error:
        return str(error)


def _mask_obstacle(layer: BlockModule) -> str:
    """Return why a layer's kernel cannot run its mask here; "" when it can."""
    return KERNELS[layer.kernel].unsupported_reason(layer_work(layer, smallest_input(layer), layer.values.detach()))


def _never(model: nn.Module, layer: nn.Module) -> str:
    name = type(layer).__name__
    why = next((why for kinds, why in _NEVER if isinstance(layer, kinds)), "")
    if any(isinstance(part, nn.MultiheadAttention) and part.out_proj is layer for part in model.modules()):
        why = "MultiheadAttention reads its weight and never calls it"
    return why.format(name=name)


def _own_ways(model: nn.Module, weight: ModuleWeight) -> str:
    """Return what a swap would lose of a layer; "" when nothing."""
    layer = weight.module
    if type(layer) not in _SWAPS and not _is_conv1d(layer):
        known = any(isinstance(layer, kind) for kind in _SWAPS)
        return (
            f"{type(layer).__name__} {'may compute in a way of its own' if known else 'is not a known kind of layer'}"
        )
    if has_hooks(layer):
        return "it has hooks"
    names = [name for name, part in model.named_parameters(remove_duplicate=False) if part is layer.weight]
    return f"its weight is shared: {', '.join(names)}" if len(names) > 1 else ""


def _is_conv1d(layer: nn.Module) -> bool:
    return type(layer).__name__ == "Conv1D" and is_transposed_linear(layer, tuple(layer.weight.shape))  # type: ignore[arg-type]


def _as_linear(layer: nn.Module) -> nn.Linear:
    """Return the linear layer that GPT-2's Conv1D is: x W + b with W in x out."""
    weight, bias = layer.weight, getattr(layer, "bias", None)
    assert isinstance(weight, nn.Parameter)
    linear = nn.Linear(weight.shape[0], weight.shape[1], bias=bias is not None, device=torch.device("meta"))
    linear.weight = nn.Parameter(weight.detach().t(), weight.requires_grad)
    linear.bias = bias  # type: ignore[assignment]
    return linear.train(layer.training)
