"""What is wanted of a tensor besides its numbers."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.autograd import forward_ad

from sparselab.core.torch_private import in_dispatch_mode, in_function_transform


def under_autocast(kind: str) -> bool:
    """Whether autocast is on for a type of device."""
    return torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind)


def is_compiled() -> bool:
    """Whether torch.compile records what runs; torch.export, whose program outlives this process, is no such case."""
    return torch.compiler.is_compiling() and not torch.compiler.is_exporting()


def any_traced(*parts: Tensor | None) -> bool:
    """Whether one of some tensors is `is_traced`."""
    return any(is_traced(part) for part in parts if part is not None)


def is_traced(x: Tensor) -> bool:
    """Whether more is wanted of x than numbers: a record of the operations on it, a batch within it, or a tangent."""
    return (
        torch.compiler.is_compiling()
        or torch.jit.is_tracing()  # type: ignore[attr-defined, no-untyped-call]
        or type(x) not in (Tensor, nn.Parameter)
        or in_function_transform()
        or in_dispatch_mode()
        or forward_ad.unpack_dual(x).tangent is not None  # type: ignore[no-untyped-call]
    )
