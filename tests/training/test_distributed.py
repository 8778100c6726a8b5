"""Two processes that share every batch find the same masks as one that takes it whole."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from sparselab.core.errors import SettingError
from sparselab.core.settings import settings_of
from sparselab.formats import read_ticket
from sparselab.training.engine.distributed import process_group
from sparselab.training.runs.run import train
from sparselab.training.runs.views import read_run
from sparselab.training.settings import TrainSettings
from tests.training.tiny import tiny

ROOT = Path(__file__).resolve().parents[2]
# BatchNorm would see half a batch in each process.
SETTINGS = tiny(model="vgg-small-plain", levels=2, lr=0.02, then="")
FLAGS = [
    part
    for setting in settings_of(TrainSettings)
    if (value := getattr(SETTINGS, setting.name)) != setting.default
    for part in (setting.flag, str(value))
]


@pytest.mark.timeout(900)  # three processes, each of which loads torch
def test_two_processes_and_one_find_the_same_masks(tmp_path: Path) -> None:
    # It looks for a free port itself: one found here might be taken by then.
    torchrun = ["-m", "torch.distributed.run", "--nproc-per-node=2", "--standalone", "--local-addr=127.0.0.1"]
    command = [sys.executable, *torchrun, "-m", "sparselab", "train", "--out", str(tmp_path / "two"), *FLAGS]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    train(SETTINGS, tmp_path / "one")
    one, two = (read_run(tmp_path / folder) for folder in ("one", "two"))
    assert [entry["mask_digest"] for entry in one.stages] == [entry["mask_digest"] for entry in two.stages]
    assert [entry["kept"] for entry in two.stages] == [round(0.8**k * two.stages[0]["size"]) for k in range(3)]
    for entry in one.stages:
        tickets = [read_ticket(view.ticket(entry["stage"])) for view in (one, two)]
        assert all(a.mask == b.mask for a, b in zip(*tickets, strict=True))
    assert json.loads((tmp_path / "two" / "results.json").read_text())["finished"]


def test_a_batch_that_does_not_divide_is_refused() -> None:
    with (
        pytest.raises(SettingError, match="expected a multiple of the 3 processes; got 32"),
        process_group(tiny(batch=32), {"WORLD_SIZE": "3"}),
    ):
        pass


def test_norms_of_a_share_are_refused() -> None:
    with (
        pytest.raises(SettingError, match="grow: expected gradient"),
        process_group(tiny(method="dsb", grow="norms", then=""), {"WORLD_SIZE": "2"}),
    ):
        pass
