"""A ResNet-50-like ticket through the Model page's workers: seconds and memory.

    python -m benchmarks.network [--dlmc FOLDER]

53 layers with the shapes of ResNet-50's convolutions, the largest 512 x 4608, 90 % sparse: real layers (DLMC) where the
shape is one of theirs and the folder is there, random ones otherwise. Shuffled blocks with one second of refinement a layer.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import psutil

from benchmarks.machine import write_rows
from sparselab.formats import ReadOptions, read_ticket
from sparselab.runtime.broker import Broker, JobList
from sparselab.transforms.contender import Contender
from sparselab.workflows.model import model_row

ROOT = Path(__file__).resolve().parent.parent
STAGES = ((64, 256, 3), (128, 512, 4), (256, 1024, 6), (512, 2048, 3))


def shapes() -> list[tuple[int, int]]:
    """Return out x (in * kh * kw) of ResNet-50's 53 convolutions."""
    found, inputs = [(64, 147)], 64
    for width, outputs, blocks in STAGES:
        for block in range(blocks):
            found += [(width, inputs), (width, width * 9), (outputs, width)]
            if block == 0:
                found.append((outputs, inputs))
            inputs = outputs
    return found


def write_network(path: Path, folder: Path) -> list[str]:
    real = {}
    if folder.is_dir():
        for file in sorted(folder.glob("rn50-mag-0.9-*.smtx")):
            mask = next(iter(read_ticket(file))).mask
            real[mask.shape] = mask.kept
    rng = np.random.default_rng(0)
    masks = {
        f"layer{number:02}_mask": real.get(shape, rng.random(shape) < 0.1) for number, shape in enumerate(shapes())
    }
    np.savez(path, **masks)  # type: ignore[arg-type]
    return [name.removesuffix("_mask") for name in masks]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dlmc", type=Path, default=ROOT.parent / "shared" / "dlmc", help="folder of .smtx layers")
    folder = parser.parse_args().dlmc
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "network.npz"
        names = write_network(path, folder)
        plan = [asdict(Contender("blocks", "blocks", "shuffled-blocks", {"refine": True, "refine_seconds": 1.0}))]
        broker = Broker()
        jobs = JobList(broker, "benchmark")
        start, most = time.perf_counter(), 0
        jobs.start("all", [(model_row, (str(path), name, plan, 0, ReadOptions())) for name in names])
        while jobs.is_busy:
            time.sleep(0.2)
            jobs.collect()
            processes = [psutil.Process(), *psutil.Process().children()]
            most = max(most, sum(process.memory_info().rss for process in processes))
        spent = time.perf_counter() - start
        broker.close()
    failed = [result for result in jobs.results.values() if isinstance(result, Exception)]
    done = [result["report"] for result in jobs.results.values() if isinstance(result, dict)]
    row = {
        "what": "shuffled-blocks, 1 s of refine a layer",
        "layers": len(done),
        "failed": len(failed),
        "workers": os.cpu_count(),
        "seconds": round(spent, 1),
        "resident_GiB": round(most / 2**30, 2),
        "mean_coverage": round(float(np.mean([report["coverage"] for report in done])), 4),
    }
    write_rows("network", [row])


if __name__ == "__main__":
    main()
