"""Data that are no images and a network that convolves sequences: it is told what its task has, and its layers are pruned."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import TensorDataset

import sparselab.training
from sparselab.core.errors import SettingError
from sparselab.formats import read_ticket

OWN: dict[str, Any] = {"epochs": 2, "batch": 8, "levels": 1, "threads": 1}


class Net(nn.Module):
    def __init__(self, classes: int, channels: int = 2, size: int = 16) -> None:
        super().__init__()
        assert (channels, size) == (2, 16), "what the task does not have is not told"
        self.layers = nn.Sequential(
            nn.Conv1d(channels, 8, 5, padding="same"),
            nn.ReLU(),
            nn.Conv1d(8, 16, 3, padding="same", stride=1, groups=2),
            nn.ReLU(),
            nn.Conv1d(16, 16, 3, stride=2, padding=1),
        )
        self.head = nn.Linear(16, classes)

    def forward(self, signals: Tensor) -> Tensor:
        answer: Tensor = self.head(self.layers(signals).mean(dim=2))
        return answer


def signals(seed: int) -> tuple[TensorDataset, TensorDataset, TensorDataset]:
    source = torch.Generator().manual_seed(seed)
    targets = torch.arange(48) % 3
    inputs = torch.randn(48, 2, 16, generator=source) + targets.view(-1, 1, 1)
    return TensorDataset(inputs[:32], targets[:32]), *(TensorDataset(inputs[32:], targets[32:]) for _ in range(2))  # type: ignore[return-value]


@pytest.mark.parametrize(
    "more", [{"then": "regroup@1:rows_per_group=4"}, {"method": "dsb", "grow": "norms", "block_size": 4}]
)
def test_convolutions_over_sequences_are_pruned_like_others(more: dict[str, Any], tmp_path: Path) -> None:
    view = sparselab.training.run(tmp_path / "run", model=Net, task=signals, **OWN | more)
    layers = {layer.name: layer for layer in read_ticket(view.ticket(view.stages[-1]["stage"]))}
    assert {name: layer.tensor_shape for name, layer in layers.items()} == {
        "layers.2": (16, 4, 3),
        "layers.4": (16, 16, 3),
    }
    assert view.stages[-1]["size"] == 16 * 4 * 3 + 16 * 16 * 3
    assert view.stages[-1]["kept"] < view.stages[-1]["size"]


def deep(classes: int, channels: int) -> nn.Module:
    return nn.Sequential(nn.Conv1d(channels, 4, 3), nn.Flatten(), nn.LazyLinear(classes))


def test_what_the_task_does_not_have_and_nobody_gives_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"channels is not: give it as a setting \(channels=VALUE\)"):
        sparselab.training.run(tmp_path / "run", model=deep, task=signals, **OWN)
    assert not (tmp_path / "run").exists()
