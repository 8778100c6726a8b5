"""How much memory a transform and its report take, in a process of their own: `python -m tests.peak ROWS COLS TRANSFORM`. Linux only."""

import subprocess
import sys
from pathlib import Path

import numpy as np

from sparselab.analysis.metrics import report
from sparselab.core.layer import Layer
from sparselab.core.mask import Mask
from sparselab.transforms import TRANSFORMS

ROOT = Path(__file__).resolve().parent.parent


def peak_of(rows: int, cols: int, transform: str = "regroup") -> tuple[int, int]:
    """Return the peaks, in bytes, of a process that has loaded a layer, and of the same one after transform and report."""
    child = [sys.executable, "-m", "tests.peak", str(rows), str(cols), transform]
    before, after = subprocess.run(child, check=True, capture_output=True, text=True, cwd=ROOT).stdout.split()
    return int(before), int(after)


def layer_of(rows: int, cols: int) -> Layer:
    """Return a layer of float32 weights, three in ten of them kept, columns of different densities."""
    rng = np.random.default_rng(0)
    often = 0.6 * rng.random(cols, dtype=np.float32)
    weight = np.empty((rows, cols), dtype=np.float32)
    for start in range(0, rows, 256):
        strip = weight[start : start + 256]
        strip[:] = rng.standard_normal(strip.shape, dtype=np.float32)
        strip *= rng.random(strip.shape, dtype=np.float32) < often
    return Layer("layer", Mask._adopt(weight != 0), weight=weight)


def run(transform: str, layer: Layer) -> None:
    layout = TRANSFORMS[transform]()(layer, device="cpu")
    coverage = report(layout, layer).coverage
    assert coverage is not None
    assert coverage > 0


def main(rows: int, cols: int, transform: str) -> None:
    from resource import RUSAGE_SELF, getrusage

    run(transform, layer_of(64, 64))  # what is loaded when it is first used is no part of it
    layer = layer_of(rows, cols)
    before = getrusage(RUSAGE_SELF).ru_maxrss
    run(transform, layer)
    print(before * 1024, getrusage(RUSAGE_SELF).ru_maxrss * 1024)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
