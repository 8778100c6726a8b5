"""The way back: a converted model with dense layers in place of its block layers."""

from __future__ import annotations

from torch import nn

from sparselab.nn.block_module import BlockModule
from sparselab.nn.fast_paths import restore_fast_paths
from sparselab.nn.permanent import copied


def dense(model: nn.Module) -> nn.Module:
    """Return a copy of a converted model in plain layers of torch, whose weights are 0 where nothing is kept.

    What was GPT-2's Conv1D is a linear layer then. Encoder layers of torch may take their fast path again.

    Example: >>> from sparselab.nn import convert
             >>> from torch.nn.utils import prune
             >>> model = nn.Sequential(prune.l1_unstructured(nn.Linear(64, 32), "weight", amount=0.9))
             >>> type(dense(convert(model).model)[0]).__name__
             'Linear'
    """
    new = copied(model)
    if isinstance(new, BlockModule):
        return new.dense()
    for name, layer in list(new.named_modules()):
        if isinstance(layer, BlockModule):
            parent, _, leaf = name.rpartition(".")
            setattr(new.get_submodule(parent), leaf, layer.dense())
    restore_fast_paths(new)
    return new
