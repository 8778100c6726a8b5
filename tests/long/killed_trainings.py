"""Trainings as tasks of a sweep, whose command is killed again and again: they go on, and come to the same; no process is left.

    PYTHONPATH=. python tests/long/killed_trainings.py [--kills 6]

Exit status: 0 when the results are those of a run that nobody killed.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from tests.workflows.sweeps.small import results_of
from tests.workflows.sweeps.test_task_kinds import TINY


def command(folder: Path, out: str) -> list[str]:
    """The sweep, two runs at once."""
    told = ["sweep", str(folder / "plan.json"), "--out", str(folder / out), "--jobs", "2", "--retry-failed"]
    return [sys.executable, "-m", "sparselab", *told]


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill the command alone; what it started has to end by itself."""
    others = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.wait()
    _, alive = psutil.wait_procs(others, timeout=30)
    assert not alive, alive


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=6)
    told = parser.parse_args()
    plan = {"sparselab_sweep": 1, "kind": "training", "settings": {**TINY, "epochs": [20]}, "seeds": [0, 1, 2]}
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        (folder / "plan.json").write_text(json.dumps(plan))
        subprocess.run(command(folder, "whole"), check=True)
        for number in range(told.kills):
            process = subprocess.Popen(command(folder, "killed"))
            runs = folder / "killed" / "runs"
            while process.poll() is None and not any(runs.glob("*/results.json")):
                time.sleep(0.05)
            time.sleep(random.Random(number).uniform(0.0, 3.0))
            kill(process)
        subprocess.run(command(folder, "killed"), check=True)
        same = results_of(folder / "killed") == results_of(folder / "whole")
    print(f"{told.kills} kills; the same results: {same}")
    return int(not same)


if __name__ == "__main__":
    sys.exit(main())
