"""Killed at any moment and resumed, a run ends as if nothing had been."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="forking is of POSIX")

KILLS = Path(__file__).with_name("kills.py")
LEAST = {
    "everywhere:imp": 60,
    "anywhere:imp": 20,
    "anywhere:dsb": 20,
    "a few times:top-kast": 4,
    **{f"a few times:{name}": 4 for name in ("admm", "photos", "book")},
}
"""How often each case must have been killed, at least."""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, int | str]:
    """What became of every case: the kills, or what went wrong. One process for all, as it takes seconds to start."""
    command = [sys.executable, str(KILLS), str(tmp_path_factory.mktemp("kills")), *LEAST]
    done = subprocess.run(command, capture_output=True, text=True, cwd=KILLS.parents[2], env={"PYTHONPATH": "."})
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, int | str] = json.loads(done.stdout)
    return found


@pytest.mark.timeout(1800)  # a minute on two cores that have nothing else to do
@pytest.mark.parametrize("case", LEAST)
def test_killed_runs_end_bit_for_bit_as_one_left_alone(case: str, told: dict[str, int | str]) -> None:
    kills = told[case]
    assert isinstance(kills, int), kills
    assert kills >= LEAST[case]
