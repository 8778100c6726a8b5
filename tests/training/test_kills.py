"""Killed at any moment and resumed, a run ends as if nothing had been."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

KILLS = Path(__file__).with_name("kills.py")


def killed(how: str, method: str, folder: Path) -> int:
    command = [sys.executable, str(KILLS), how, str(folder), method]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=KILLS.parents[2], env={"PYTHONPATH": "."}, timeout=250
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return int(json.loads(done.stdout)["kills"])


def test_a_kill_inside_every_write_point(tmp_path: Path) -> None:
    assert killed("everywhere", "imp", tmp_path) >= 60


@pytest.mark.parametrize("method", ["imp", "dsb", "top-kast"])
def test_twenty_kills_at_random(method: str, tmp_path: Path) -> None:
    assert killed("anywhere", method, tmp_path) >= 20
