"""A layer of blocks put back to the plain layer of torch that it was."""

from __future__ import annotations

from torch import nn

from sparselab.nn import BlockConv2d, BlockLinear


def put_back(module: nn.Module) -> nn.Module | None:
    """Return the plain layer, its mask applied; None of any other module."""
    if isinstance(module, BlockLinear):
        rows, cols = module.layout.after.shape
        made: nn.Linear | nn.Conv2d = nn.Linear(cols, rows, bias=module.bias is not None)
    elif isinstance(module, BlockConv2d):
        rows, each, *kernel = module.dense_shape
        shape = (kernel[0], kernel[1])
        made = nn.Conv2d(
            each * module.groups,
            rows,
            shape,
            module.stride,
            module.padding,
            groups=module.groups,
            bias=module.bias is not None,
        )
    else:
        return None
    made.weight = nn.Parameter(module.weight.detach().clone())
    if module.bias is not None:
        made.bias = nn.Parameter(module.bias.detach().clone())
    return made.eval()
