"""Two processes that share every batch find the same masks as one that takes it whole."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from sparselab.errors import SettingError
from sparselab.formats import read_ticket
from sparselab.training.runs import read_run
from sparselab.training.team import gathered

ROOT = Path(__file__).resolve().parents[2]
FLAGS = {
    "model": "vgg-small-plain",  # BatchNorm would see half a batch in each process
    "task-settings": "train=96,validation=32,test=32,canvas=12",
    "width": "0.5",
    "levels": "2",
    "epochs": "2",
    "batch": "32",
    "lr": "0.02",
    "threads": "1",
}


def command(folder: Path) -> list[str]:
    flags = [part for name, value in FLAGS.items() for part in (f"--{name}", value)]
    return ["-m", "sparselab", "train", "--out", str(folder), *flags]


def test_two_processes_and_one_find_the_same_masks(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    torchrun = ["-m", "torch.distributed.run", "--nproc-per-node=2", "--master-addr=127.0.0.1", f"--master-port={port}"]
    for start, folder in (([], "one"), (torchrun, "two")):
        done = subprocess.run(
            [sys.executable, *start, *command(tmp_path / folder)], cwd=ROOT, capture_output=True, text=True, timeout=240
        )
        assert done.returncode == 0, done.stderr[-3000:]
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
        gathered(32, {"WORLD_SIZE": "3"}),
    ):
        pass
