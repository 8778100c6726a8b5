"""The optimizers are torch's, and the new settings keep the laws of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

import sparselab.training
from sparselab.core.errors import Cancelled, SettingError
from sparselab.runtime.progress import Monitor
from sparselab.training.engine.optimizer import AdamW, Sgd, clip
from sparselab.training.runs.records import read_json
from sparselab.training.schedule import schedule_of
from sparselab.training.settings import TrainSettings, read_settings
from tests.training.kills import fingerprint
from tests.training.tiny import tiny


@pytest.mark.parametrize("kind", ["adamw", "nesterov"])
def test_steps_are_those_of_torch(kind: str) -> None:
    generator = torch.Generator().manual_seed(0)
    mine = [torch.randn(3, 4, generator=generator), torch.randn(5, generator=generator)]
    theirs = [value.clone().requires_grad_() for value in mine]
    ours: Any
    peer: torch.optim.Optimizer
    if kind == "adamw":
        ours = AdamW(mine, momentum=0.9, decay=0.1)
        peer = torch.optim.AdamW(theirs, lr=0.01, betas=(0.9, 0.999), weight_decay=0.1)
    else:
        ours = Sgd(mine, momentum=0.9, decay=0.1, nesterov=True)
        peer = torch.optim.SGD(theirs, lr=0.01, momentum=0.9, weight_decay=0.1, nesterov=True)
    for _ in range(20):
        gradients = [torch.randn(value.shape, generator=generator) for value in mine]
        for value, gradient in zip(theirs, gradients, strict=True):
            value.grad = gradient.clone()
        ours.step(gradients, 0.01)
        peer.step()
    for value, wanted in zip(mine, theirs, strict=True):
        torch.testing.assert_close(value, wanted.detach())


def test_clipped_gradients_keep_their_direction() -> None:
    gradients = [torch.tensor([3.0, 0.0]), torch.tensor([4.0])]
    clip(gradients, 1.0)
    torch.testing.assert_close(torch.cat(gradients), torch.tensor([0.6, 0.0, 0.8]))
    clip(gradients, 2.0)
    torch.testing.assert_close(torch.cat(gradients), torch.tensor([0.6, 0.0, 0.8]))


def test_the_rate_falls_where_it_is_told_to() -> None:
    settings = TrainSettings(schedule="step", rate_steps="30+70+90", rate_factor=0.2, epochs=100, batch=10, lr=1.0)
    rates = [schedule_of(settings, 100).rate(10 * epoch) for epoch in (0, 29, 30, 69, 70, 90)]
    assert rates == pytest.approx([1, 1, 0.2, 0.2, 0.04, 0.008])
    for wrong in ("30+", "b", "30+30", "-1+4", "nan", "inf"):
        with pytest.raises(SettingError, match="rate_steps"):
            TrainSettings(rate_steps=wrong)


@pytest.mark.parametrize("method", ["imp", "rigl", "dsb", "top-kast"])
def test_adamw_stopped_and_resumed_ends_bit_for_bit_the_same(method: str, tmp_path: Path) -> None:
    new = {"optimizer": "adamw", "lr": 0.01, "clip": 1.0, "label_smoothing": 0.1, "warmup_epochs": 0.5}
    given = vars(tiny(then="", method=method, epochs=3, **new))
    sparselab.training.run(tmp_path / "whole", **given)
    looks: list[int] = []

    def asked() -> bool:
        looks.append(1)
        return len(looks) > 12

    with pytest.raises(Cancelled):
        sparselab.training.run(tmp_path / "run", monitor=Monitor(cancelled=asked), **given)
    sparselab.training.run(tmp_path / "run", resume=True)
    assert fingerprint(tmp_path / "run") == fingerprint(tmp_path / "whole")


OLD = Path(__file__).parents[1] / "compatibility" / "fixtures" / "b015b54" / "data" / "runs"


def test_old_settings_keep_their_names() -> None:
    runs = [folder for folder in OLD.iterdir() if (folder / "config.json").is_file()]
    assert runs
    for folder in runs:
        assert read_settings(read_json(folder / "config.json")["settings"]).digest == folder.name
    assert TrainSettings(threads=2).digest == TrainSettings(threads=2, optimizer="sgd").digest
    assert TrainSettings(threads=2).digest != TrainSettings(threads=2, optimizer="adamw").digest
