"""What an audit costs beside reading the words and counting those that are not 0: both in turns, on one file.

    python -m benchmarks.audit [--rounds 15]

One bfloat16 layer a file, scattered weights and 2:4. Least needed: `np.fromfile` and `np.count_nonzero(words & 0x7fff)`. Besides the
ratio: how much memory a process of its own takes above what it held before, and the size of the tensor. Writes results/audit.csv.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.machine import write_rows
from sparselab.auditing import audit_ticket
from sparselab.benchmarking.statistics import speedup
from sparselab.formats import read_ticket

SHAPES = ((1024, 1024), (4096, 4096), (14336, 4096))
MIB = 2**20

_PEAK = """
import sys, tempfile, numpy as np, sparselab
sparselab.audit({"small": np.eye(64) / 2})
held = int(open("/proc/self/statm").read().split()[1]) * 4096
open("/proc/self/clear_refs", "w").write("5")
assert sparselab.audit(sys.argv[1]).sentence
print(next(int(line.split()[1]) * 1024 for line in open("/proc/self/status") if line.startswith("VmHWM")) - held)
"""


def write_file(path: Path, shape: tuple[int, int], *, two_four: bool) -> int:
    """Write a safetensors file of one bfloat16 layer of which half is kept; return where its words begin."""
    rng, (rows, cols) = np.random.default_rng(0), shape
    header = json.dumps({"layer.weight": {"dtype": "BF16", "shape": shape, "data_offsets": [0, 2 * rows * cols]}})
    text = header.encode().ljust(-(-len(header) // 8) * 8)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for start in range(0, rows, 256):  # a strip at a time: the file is larger than what else is held
            height = min(256, rows - start)
            words = rng.integers(0x3C00, 0x4000, (height, cols), dtype=np.uint16)
            if two_four:
                order = rng.random((height, cols // 4, 4), dtype=np.float32).argsort(axis=-1)
                words[(order >= 2).reshape(height, cols)] = 0
            else:
                words[rng.random((height, cols), dtype=np.float32) < 0.5] = 0
            file.write(words.tobytes())
    return 8 + len(text)


def seconds(run: Callable[[], object]) -> float:
    begun = time.perf_counter()
    run()
    return time.perf_counter() - begun


def measure(path: Path, shape: tuple[int, int], rounds: int, *, two_four: bool) -> dict[str, object]:
    """Return a row: both in turns, the other one first every second time."""
    offset = write_file(path, shape, two_four=two_four)
    runs: dict[str, Callable[[], object]] = {
        "count": lambda: np.count_nonzero(np.fromfile(path, np.uint16, offset=offset) & 0x7FFF),
        "audit": lambda: audit_ticket(read_ticket(path)),
    }
    spent: dict[str, list[float]] = {name: [] for name in runs}
    for turn in range(rounds + 1):
        for name in list(runs)[:: 1 if turn % 2 else -1]:
            spent[name].append(seconds(runs[name]))
    spent = {name: values[1:] for name, values in spent.items()}  # the first round reads the file into memory
    ratio = speedup(np.array(spent["audit"]), np.array(spent["count"]))
    peak = subprocess.run([sys.executable, "-c", _PEAK, str(path)], check=True, capture_output=True, text=True).stdout
    return {
        "shape": f"{shape[0]}x{shape[1]}",
        "mask": "2:4" if two_four else "scattered",
        "rounds": rounds,
        "seconds_count": round(float(np.median(spent["count"])), 4),
        "seconds_audit": round(float(np.median(spent["audit"])), 4),
        "audit / count": round(ratio.value, 2),
        "interval": f"{ratio.low:.2f}-{ratio.high:.2f}",
        "tensor_mib": round(2 * shape[0] * shape[1] / MIB, 1),
        "peak_mib": round(int(peak) / MIB, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "layer.safetensors"
        write_rows(
            "audit", [measure(path, shape, rounds, two_four=two_four) for shape in SHAPES for two_four in (False, True)]
        )


if __name__ == "__main__":
    main()
