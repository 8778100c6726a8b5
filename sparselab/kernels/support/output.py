"""Y before any product has been added: the bias everywhere, or zeros."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def init_output(bias: torch.Tensor | None, shape: Sequence[int], axis: int, like: torch.Tensor) -> torch.Tensor:
    """Return a new tensor of `shape` whose entries along `axis` are those of `bias`, in the type of `like`."""
    if bias is None:
        return like.new_zeros(shape)
    # Copied, because an expanded view of one column is contiguous already, and would be the bias itself.
    return like.new_empty(shape).copy_(bias.view(-1, *[1] * (len(shape) - axis - 1)))
