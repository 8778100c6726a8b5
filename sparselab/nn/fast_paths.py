"""torch's fast path of a transformer's encoder, which reads the weights of its layers and calls none of them."""

from __future__ import annotations

from torch import nn
from torch.nn import functional

from sparselab.nn.block_module import BlockModule


def run_layers_of_encoders(model: nn.Module, holding: type[nn.Module] = BlockModule) -> tuple[str, ...]:
    """Have every encoder layer that holds a block layer (or another kind of module) call its layers in inference too; return their
    names.

    torch decides by `activation_relu_or_gelu` alone, besides what it sees of an input, whether an `nn.TransformerEncoderLayer`
    takes the fast path, and uses it for nothing else. An `nn.TransformerEncoder` around it no longer packs padded inputs
    into nested tensors, which the fast path alone takes: hidden positions come out as other numbers than 0.
    """
    names = []
    for name, module in model.named_modules():
        if not any(isinstance(part, holding) for part in module.modules()):
            continue
        if isinstance(module, nn.TransformerEncoderLayer):
            module.activation_relu_or_gelu = 0
            names.append(name)
        elif isinstance(module, nn.TransformerEncoder):
            module.use_nested_tensor = False
    return tuple(names)


def restore_fast_paths(model: nn.Module) -> None:
    """Undo `run_layers_of_encoders` where no block layer is left: torch's own numbers for ReLU and GELU."""
    for module in model.modules():
        if any(isinstance(part, BlockModule) for part in module.modules()):
            continue
        if isinstance(module, nn.TransformerEncoderLayer) and not module.activation_relu_or_gelu:
            activation = module.activation
            is_relu = activation is functional.relu or isinstance(activation, nn.ReLU)
            is_gelu = activation is functional.gelu or isinstance(activation, nn.GELU)
            module.activation_relu_or_gelu = 1 if is_relu else 2 if is_gelu else 0
        elif isinstance(module, nn.TransformerEncoder):
            module.use_nested_tensor = module.enable_nested_tensor
