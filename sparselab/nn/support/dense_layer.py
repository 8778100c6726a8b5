"""A dense layer with the weights of one in blocks."""

from __future__ import annotations

from torch import nn

from sparselab.nn.support.block_layer import BlockLayer


def filled(layer: nn.Linear | nn.Conv1d | nn.Conv2d, block: BlockLayer) -> nn.Module:
    """Return a dense layer, made without numbers, with a block layer's weight, bias and mode; they share no memory."""
    layer.weight = nn.Parameter(block.weight.detach().clone(), block.values.requires_grad)
    layer.bias = None if block.bias is None else nn.Parameter(block.bias.detach().clone(), block.bias.requires_grad)
    return layer.train(block.training)
