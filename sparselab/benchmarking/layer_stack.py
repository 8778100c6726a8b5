"""The layers of a file as one module: each on an input of its own, one after the other, as a network runs them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from sparselab.kernels.base import Work, random_input


class LayerStack(nn.Module):
    """Runs every layer on its own fixed input; returns all outputs in one vector. What is asked of it (`x`) is not used.

    A file of masks knows its layers and not what lies between them; so this is a network's layers, and not the network.
    """

    def __init__(self, works: Sequence[Work], seed: int) -> None:
        super().__init__()
        self.layers = nn.ModuleDict({f"layer{index}": _layer(work) for index, work in enumerate(works)})
        for index, work in enumerate(works):
            x = random_input(work, seed + index)
            # A matrix product has its features first, nn.Linear has them last.
            self.register_buffer(f"input{index}", x if work.conv is not None else x.T.contiguous(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        outputs = [layer(self.get_buffer(f"input{i}")).reshape(-1) for i, layer in enumerate(self.layers.values())]
        return torch.cat(outputs)


def name_of(index: int) -> str:
    """Return the name of a layer in the stack, as `convert` takes it."""
    return f"layers.layer{index}"


def _layer(work: Work) -> nn.Module:
    rows = work.layout.after.rows
    if work.conv is None:
        layer: nn.Linear | nn.Conv2d = nn.Linear(work.input_shape[0], rows, bias=False)
    else:
        conv = work.conv
        layer = nn.Conv2d(
            work.input_shape[1], rows, conv.kernel_shape, stride=conv.stride, padding=conv.padding, bias=False
        )
    with torch.no_grad():
        layer.weight.copy_(work.tensor(work.weight).reshape(work.tensor_shape))
    return layer.to(work.device, work.torch_dtype)
