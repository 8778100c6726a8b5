"""Exported programs, as torch itself writes them."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
import torch

from sparselab.formats import read_ticket

pytestmark = pytest.mark.skipif(not hasattr(torch.export, "save"), reason="this torch exports nothing")


class Network(torch.nn.Module):
    """Weights that are tied, masked, of 16 bits, and parts of others."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = torch.nn.Linear(4, 4), torch.nn.Linear(4, 4)
        self.second.weight = self.first.weight
        self.register_buffer("mask", torch.rand(4, 4) < 0.5)
        self.register_buffer("small", torch.randn(4, 4).bfloat16().t())
        self.register_buffer("part", torch.arange(24.0).reshape(4, 6)[:, 1:5])
        self.beside = torch.randn(4, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.second(self.first(x)) * self.mask + self.small + self.part + self.beside


def test_weights_buffers_and_constants_are_read(tmp_path: Path) -> None:
    network = Network()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # about a buffer that is a part of another
        torch.export.save(torch.export.export(network, (torch.ones(4, 4),)), tmp_path / "net.pt2")
    ticket = read_ticket(tmp_path / "net.pt2")
    assert ticket.meta["format"] == "torch-export"
    matrices = {name: value for name, value in network.state_dict().items() if value.dim() == 2} | {
        "beside": network.beside
    }
    assert sorted(ticket.names) == sorted(matrices)
    for name, value in matrices.items():
        layer = ticket[name]
        assert np.array_equal(layer.mask.kept, value.numpy() if value.dtype == torch.bool else (value != 0).numpy())
        assert layer.weight is None or np.array_equal(layer.weight, value.detach().float().numpy())
