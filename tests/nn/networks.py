"""Small networks and layouts for the tests of sparselab.nn."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from sparselab.core.layout import Block, Layout
from sparselab.core.mask import Mask


def small_network(seed: int = 0, *, bias: bool = False) -> nn.Sequential:
    """Convolutions with and without stride, BatchNorm with statistics of its own, a residual-free chain, a linear head."""
    torch.manual_seed(seed)
    model = nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1, bias=bias),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.Conv2d(16, 32, 3, stride=2, padding=1, bias=bias),
        nn.BatchNorm2d(32),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 48, 1, bias=bias),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Linear(48 * 4, 24),
        nn.ReLU(),
        nn.Linear(24, 10),
    )
    model.train()
    with torch.no_grad():
        for _ in range(3):
            model(torch.randn(8, 3, 12, 12))
    return model.eval()


def matrix_shape(layer: nn.Module) -> tuple[int, int]:
    """The weight of a layer as out x n."""
    weight = layer.weight
    return weight.shape[0], weight.numel() // weight.shape[0]


def prunable(model: nn.Module) -> dict[str, tuple[int, int]]:
    """Names and shapes of all layers that can be swapped."""
    return {n: matrix_shape(m) for n, m in model.named_modules() if isinstance(m, nn.Conv2d | nn.Linear)}


def block_layout(shape: tuple[int, int], rng: np.random.Generator, height: int = 8) -> Layout:
    """Groups of shuffled rows, each with a third of the columns; the last group has none."""
    rows = rng.permutation(shape[0])
    groups = [rows[i : i + height] for i in range(0, shape[0], height)]
    blocks = [Block(g, rng.choice(shape[1], -(-shape[1] // 3), replace=False)) for g in groups[:-1] or groups]
    return Layout.from_blocks(Mask(np.zeros(shape, bool)), blocks, reason="")


def channel_layout(shape: tuple[int, int], rng: np.random.Generator) -> Layout:
    """Half of the rows whole, as Refill leaves them."""
    rows = np.sort(rng.choice(shape[0], shape[0] // 2, replace=False))
    return Layout.from_blocks(Mask(np.zeros(shape, bool)), [Block(rows, np.arange(shape[1]))], reason="")
