"""What naming the package costs: `import sparselab` beside `import numpy`, each in a process of its own, in turns.

python -m benchmarks.imports
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RUNS = 20
STATEMENTS = ("import numpy", "import sparselab", "import sparselab; sparselab.open; sparselab.Regroup")


def seconds(statement: str) -> float:
    """Return the wall-clock seconds of a Python process that runs one statement."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", statement], cwd=ROOT, check=True)
    return time.perf_counter() - start


def main() -> None:
    for statement in STATEMENTS:  # compiled and in the file cache before anything counts
        seconds(statement)
    rounds = [[seconds(statement) for statement in STATEMENTS] for _ in range(RUNS)]
    medians = [statistics.median(column) for column in zip(*rounds, strict=True)]
    for statement, median in zip(STATEMENTS, medians, strict=True):
        print(f"{1000 * median:7.1f} ms  {median / medians[0]:5.2f} x numpy  {statement}")


if __name__ == "__main__":
    main()
