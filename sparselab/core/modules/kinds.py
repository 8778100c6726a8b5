"""Of what kind a module's weight is: which axis is out and which in, and how a convolution steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn

QUANTISED = "quantised, its numbers are packed: open the model before it is quantised"
_QUANTISED = ("torch.ao.nn.quantized", "torch.ao.nn.intrinsic.quantized", "torch.ao.nn.sparse.quantized")


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of weight. `in_first`: its axes are (in, out / groups, kernel) and not (out, in / groups, kernel).

    stride, padding, groups: of a convolution, alike in every direction; `notes` say what could not be put so.
    """

    in_first: bool = False
    stride: int = 1
    padding: int = 0
    groups: int = 1
    notes: tuple[str, ...] = ()


def kind_of(module: Any, attribute: str, shape: tuple[int, ...]) -> Kind | str:
    """Return the kind of a parameter of two dimensions or more, or why it is no weight.

    A parameter of a module that is not known here is read as out x in if it is called a weight.
    """
    from torch import nn

    cls = _class_of(module)
    if _is_one_of(cls, nn.Conv1d, nn.Conv2d, nn.Conv3d):
        return _convolution(module)
    if _is_one_of(cls, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d):
        return Kind(
            in_first=True, groups=module.groups, notes=("a transposed convolution: read as out x (in x kernel)",)
        )
    if is_transposed_linear(module, shape):
        return Kind(in_first=True, notes=("a Conv1D, whose weight is in x out: read as out x in",))
    if _is_one_of(cls, nn.MultiheadAttention):
        return Kind() if attribute.endswith("weight") else "a bias, not a weight"
    if _is_one_of(cls, nn.Linear, nn.Bilinear, nn.Embedding, nn.EmbeddingBag, nn.RNNBase, nn.RNNCellBase):
        return Kind()
    if _is_one_of(cls, *_norms()):
        return "of a normalisation, not a weight"
    name = cls.__name__
    if "weight" not in attribute:
        return f"a parameter of {name} that is not called a weight: to read it, open a mapping of names to tensors"
    if len(shape) == 3:
        return f"three axes of {name}, which may mean anything: to read it, open a mapping of names to tensors"
    return Kind(notes=(f"{name} is not a known kind of layer: read as out x in",))


def is_quantised(module: nn.Module) -> bool:
    """Whether a module is one of torch's quantised layers."""
    return type(module).__module__.startswith(_QUANTISED)


def is_transposed_linear(module: nn.Module, shape: tuple[int, ...]) -> bool:
    """Whether a module with a weight of this shape is GPT-2's linear layer as transformers has it, x W + b with W in x out.

    Known by its class's name and its number of outputs `nf`, so that the library is not needed.
    """
    named = any(cls.__name__ == "Conv1D" for cls in type(module).__mro__)
    return named and len(shape) == 2 and shape[-1] == getattr(module, "nf", None)


def _convolution(module: Any) -> Kind:
    stride, padding = set(module.stride), _padding(module)
    notes = []
    if len(stride) > 1:
        notes.append(f"stride {tuple(module.stride)}, which differs between the directions, is not kept")
    if padding is None:
        notes.append(f"padding {module.padding!r} is not kept, as no one number says it")
    if set(module.dilation) != {1}:
        notes.append(f"dilation {tuple(module.dilation)} is not kept")
    if module.padding_mode != "zeros":
        notes.append(f"padding with {module.padding_mode} values counts as zeros")
    return Kind(
        stride=stride.pop() if len(stride) == 1 else 1, padding=padding or 0, groups=module.groups, notes=tuple(notes)
    )


def _padding(module: Any) -> int | None:
    """Return a convolution's padding where it is one number in every direction and on both sides."""
    if module.padding == "valid":
        return 0
    if module.padding == "same":
        reach = [step * (size - 1) for step, size in zip(module.dilation, module.kernel_size, strict=True)]
        return reach[0] // 2 if len(set(reach)) == 1 and reach[0] % 2 == 0 else None
    sides = set(module.padding)
    return sides.pop() if len(sides) == 1 else None


def _class_of(module: nn.Module) -> type:
    """Return a module's class, or for a scripted one that of torch.nn under the name it was scripted from."""
    import torch

    if isinstance(module, torch.jit.ScriptModule):
        return getattr(torch.nn, module.original_name, type(module))
    return type(module)


def _is_one_of(cls: type, *kinds: type) -> bool:
    return issubclass(cls, kinds)


def _norms() -> tuple[type, ...]:
    from torch import nn

    batch = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)
    return (*batch, nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d, nn.LayerNorm, nn.GroupNorm, nn.RMSNorm)
