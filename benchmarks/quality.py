"""What refinement gains: the share of kept weights that stay in equal numbers of 16 x 16 blocks.

    python -m benchmarks.quality [--dlmc FOLDER] [--seconds 30]

Every order of rows is cut into groups of 16; per group, columns are sorted by kept weights and cut into runs of 16; the
layer's best ceil(kept weights / 256) blocks stay. Real layers (.smtx) are skipped where the folder is absent.
The gain ratio is (refined - random) / (DSB - random), with the figures of DSB's released code where these were measured
and those of our grouper otherwise; where DSB gains nothing over random order it has no meaning and is left out.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.machine import write_rows
from sparselab.analysis import similarity
from sparselab.core.layer import Layer
from sparselab.formats import read_ticket
from sparselab.grouping import GROUPERS, Goal, Groups
from sparselab.grouping.refine import Budget, Refined, refine
from sparselab.runtime.progress import Monitor, Progress
from sparselab.transforms.cells import group_sums, scores

ROOT = Path(__file__).resolve().parent.parent
SIDE, STEPS, DRAWS = 16, 1000, 10
RELEASED = {
    "rn50-mag-0.8-g3_2": (0.3664, 0.3809),
    "rn50-mag-0.9-g3_2": (0.2739, 0.3020),
    "rn50-mag-0.95-g3_2": (0.2201, 0.2516),
    "rn50-vd-0.9-g3_2": (0.2946, 0.3207),
    "tr-mag-0.9-l2v": (0.2475, 0.2790),
}
"""Random order and DSB's released code."""


def layers(folder: Path) -> Iterator[tuple[str, Layer]]:
    for path in [*sorted(folder.glob("*.smtx")), *sorted((ROOT / "sample_masks").glob("*.npz"))]:
        for layer in read_ticket(path):
            yield (path.stem if path.suffix == ".smtx" else f"{path.stem}:{layer.name}"), layer


class Bench:
    """One layer, its scores and its budget."""

    def __init__(self, layer: Layer) -> None:
        self.mask = layer.mask
        self.worth = scores(layer, "count", torch.device("cpu"))
        groups = -(-self.mask.rows // SIDE)
        blocks = -(-self.mask.count // SIDE**2)
        self.budget = Budget(np.ones(groups, dtype=np.int64), blocks, run=SIDE)

    def groups(self, grouper: str, seed: int = 0, kind: str = "jaccard") -> Groups:
        goal = Goal(height=SIDE, similarity=kind)
        return GROUPERS[grouper](self.mask, goal, rng=np.random.default_rng(seed), device="cpu")

    def share(self, groups: Groups) -> float:
        return self.budget.kept(group_sums(self.worth, groups))[0] / self.mask.count

    def refined(self, start: Groups, steps: int, monitor: Monitor) -> Refined:
        rng = np.random.default_rng(0)
        return refine(self.worth, start, self.budget, steps=steps, seconds=1e9, rng=rng, monitor=monitor)

    def fresh(self, steps: int) -> tuple[Refined, float, float]:
        """Group with METIS and refine, from a cold similarity; return the wall-clock and processor seconds of both too."""
        similarity._similarity.cache_clear()
        began, busy = time.perf_counter(), time.process_time()
        result = self.refined(self.groups("jaccard-metis"), steps, Monitor())
        return result, time.perf_counter() - began, time.process_time() - busy


def measure(name: str, layer: Layer, seconds: float) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return one row of the table, and the curve of gain against time of the long run."""
    bench = Bench(layer)
    at_random = float(np.mean([bench.share(bench.groups("random", seed)) for seed in range(DRAWS)]))
    dsb = bench.share(bench.groups("agglomerative", kind="cosine"))
    start = bench.groups("jaccard-metis")
    result, spent, busy = bench.fresh(STEPS)
    steps = max(STEPS, int(0.9 * seconds / spent * max(1, result.steps)))
    clock: dict[int, float] = {}
    began = time.perf_counter()

    def tick(progress: Progress) -> None:
        clock.setdefault(progress.done, time.perf_counter() - began)

    long = bench.refined(start, steps, Monitor(tick))
    low, high = RELEASED.get(name, (at_random, dsb))
    best, longest = result.kept / layer.mask.count, long.kept / layer.mask.count
    ratio = [round((share - low) / (high - low), 2) if high - low > 0.005 else "" for share in (best, longest)]
    row = {
        "layer": name,
        "shape": f"{layer.mask.rows}x{layer.mask.cols}",
        "density": round(layer.mask.density, 4),
        "random": round(at_random, 4),
        "natural": round(bench.share(bench.groups("natural")), 4),
        "dsb": round(dsb, 4),
        "dsb_released": RELEASED[name][1] if name in RELEASED else "",
        "metis": round(bench.share(start), 4),
        "refined": round(best, 4),
        "gain_ratio": ratio[0],
        "seconds": round(spent, 2),
        "processor_seconds": round(busy, 2),
        "stopped": result.stopped,
        f"refined_{seconds:g}s": round(longest, 4),
        f"gain_ratio_{seconds:g}s": ratio[1],
        "steps_long": long.steps,
        "seconds_long": round(max(clock.values(), default=0.0), 2),
    }
    times = sorted(clock.items())
    curve = [
        {
            "layer": name,
            "seconds": round(_when(times, step), 3),
            "step": step,
            "kept": round(kept / layer.mask.count, 4),
        }
        for step, kept in long.trace
    ]
    return row, curve


def _when(times: list[tuple[int, float]], step: int) -> float:
    return next((moment for done, moment in times if done >= step), times[-1][1] if times else 0.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dlmc", type=Path, default=ROOT.parent / "shared" / "dlmc", help="folder of .smtx layers")
    parser.add_argument("--seconds", type=float, default=30.0, help="allowed to the long run")
    options = parser.parse_args()
    rows, curves = [], []
    for name, layer in layers(options.dlmc):
        row, curve = measure(name, layer, options.seconds)
        print(row, flush=True)
        rows.append(row)
        curves += curve
    write_rows("quality", rows)
    write_rows("refine_curve", curves)


if __name__ == "__main__":
    main()
