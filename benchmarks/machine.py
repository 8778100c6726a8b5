"""What a figure was measured on: written beside every row."""

from __future__ import annotations

import datetime
import os
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from sparselab.core.csv_text import rows_csv

RESULTS = Path(__file__).resolve().parent / "results"


def machine() -> dict[str, Any]:
    """Return processor, cores, load at this moment, versions and date."""
    import numpy
    import torch

    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        names = [
            line.split(":", 1)[1].strip() for line in cpuinfo.read_text().splitlines() if line.startswith("model name")
        ]
        model = names[0] if names else model
    return {
        "date": datetime.date.today().isoformat(),
        "processor": model,
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 2),
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": numpy.__version__,
    }


def median_seconds(work: Callable[[], object], *, runs: int = 5) -> float:
    """Return the median wall-clock seconds of `runs` calls, after one that is not counted."""
    work()
    spent = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        spent.append(time.perf_counter() - start)
    return statistics.median(spent)


def write_rows(name: str, rows: Sequence[dict[str, Any]]) -> Path:
    """Print rows and write them, with the machine beside each, as benchmarks/results/<name>.csv."""
    here = machine()
    full = [row | here for row in rows]
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.csv"
    path.write_text(rows_csv(list(full[0]), full), encoding="utf-8")
    for row in rows:
        print("  ".join(f"{key} {value}" for key, value in row.items()))
    print(f"wrote {path.relative_to(Path.cwd())} (load at the end {here['load']})")
    return path
