"""The exact product of any mask against the dense one: random masks, sample tickets, real pruned layers, ResNet-18's convolutions.

    python -m benchmarks.exact [--only linear|samples|dlmc|conv] [--seconds 2] [--threads 1 2] [--dlmc FOLDER]

Every case is a session of `sparselab.benchmarking`: checked against float64, then all kernels in turns, the dense product beside itself as a
control. One row a case and kernel in results/latency_exact.csv, with the flags of its session: "busy" where others used the machine. The 66 cases take some 8 minutes a number of threads on a quiet
machine. A run replaces the file: ask for all that is to stand in it at once.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

import sparselab
from benchmarks.latency import resnet18, weights
from benchmarks.machine import write_rows
from sparselab.benchmarking.lock import alone
from sparselab.benchmarking.measurement import measure
from sparselab.core.layout import Layout
from sparselab.core.mask import Mask
from sparselab.formats import read_ticket
from sparselab.kernels.base import Conv, Work

FOLDER = Path(__file__).resolve().parent.parent / "sample_masks"
DLMC = Path(__file__).resolve().parent.parent.parent / "shared" / "dlmc"
MATRICES = (
    *((512, 4608, positions) for positions in (1024, 256, 1)),
    *((4096, 4096, positions) for positions in (256, 16, 1)),
)
SPARSITIES = (0.80, 0.90, 0.95)
SAMPLES = ("planted", "planted-noisy", "vgg-digits-imp-60", "vgg-digits-imp-80", "vgg-digits-imp-90")
SAMPLE_POSITIONS = (1024, 256)


@dataclass(frozen=True)
class Case:
    """A product with a mask as it is, and what else is timed beside the exact kernel."""

    part: str
    name: str
    work: Work
    kernels: tuple[str, ...] = ("native-sparse",)


def exact(kept: Any, shape: tuple[int, ...], conv: Conv | None = None) -> Work:
    mask = Mask(kept)
    return Work(Layout.masked(mask, mask, reason="as it was pruned"), weights(*kept.shape), shape, conv=conv)


def linear_cases() -> Iterator[Case]:
    """Weights kept at random: the least structure there is."""
    for rows, cols, positions in MATRICES:
        for sparsity in SPARSITIES:
            kept = np.random.default_rng(0).random((rows, cols)) >= sparsity
            name = f"{rows} x {cols}, {positions} positions, random, sparsity {sparsity:.2f}"
            yield Case("linear", name, exact(kept, (cols, positions)), ("native-sparse", "csr"))


def sample_cases() -> Iterator[Case]:
    """The largest layer of each sample; the planted one under the blocks that were planted, where `native-blocks` can run too."""
    for sample in SAMPLES:
        layer = max(sparselab.open(FOLDER / f"{sample}.npz"), key=lambda layer: layer.mask.count)
        for positions in SAMPLE_POSITIONS:
            density = layer.mask.density
            name = f"{sample} {layer.name}, {layer.mask.rows} x {layer.mask.cols}, {positions} positions, sparsity {1 - density:.2f}"
            work = exact(layer.mask.kept, (layer.mask.cols, positions))
            yield Case("samples", name, work, ("native-sparse", "csr"))
            if sample == "planted":
                blocks = replace(work, layout=sparselab.Regroup(rows_per_group=32)(layer, device="cpu"))
                found = f"{name}, regrouped to density {blocks.layout.after.density:.3f}"
                yield Case("samples", found, blocks, ("native-sparse", "native-blocks"))


def dlmc_cases(folder: Path) -> Iterator[Case]:
    """Layers of the Deep Learning Matrix Collection (Gale et al., 2020), as matrix products; none where the folder is not there."""
    for file in sorted(folder.glob("*.smtx")):
        mask = next(iter(read_ticket(file))).mask
        for positions in SAMPLE_POSITIONS:
            name = f"{file.stem}, {mask.rows} x {mask.cols}, {positions} positions, sparsity {1 - mask.density:.2f}"
            yield Case("dlmc", name, exact(mask.kept, (mask.cols, positions)), ("native-sparse", "csr"))


def conv_cases() -> Iterator[Case]:
    for side, images in ((32, 16), (224, 1)):
        for name, rows, shape, conv in resnet18(side, images):
            kept = (
                np.random.default_rng(0).random((rows, shape[1] * conv.kernel_shape[0] * conv.kernel_shape[1])) >= 0.9
            )
            yield Case("conv", f"ResNet-18 at {side}: {name}, sparsity 0.90", exact(kept, shape, conv))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=("linear", "samples", "dlmc", "conv"))
    parser.add_argument("--seconds", type=float, default=2.0, help="of each session")
    parser.add_argument("--threads", type=int, nargs="+", default=[1])
    parser.add_argument("--dlmc", type=Path, default=DLMC, help="folder of .smtx layers")
    arguments = parser.parse_args()
    rows: list[dict[str, Any]] = []
    every = (*linear_cases(), *sample_cases(), *dlmc_cases(arguments.dlmc), *conv_cases())
    cases = [case for case in every if arguments.only in (None, case.part)]
    with alone():
        for threads, case in product(arguments.threads, cases):
            session = measure(case.work, case.kernels, seconds=arguments.seconds, threads=threads)
            for row in session.rows:
                if row.role in ("kernel", "control") and row.median_ms is not None and row.interval is not None:
                    rows.append(
                        {
                            "case": case.name,
                            "kernel": row.label,
                            "threads_used": threads,
                            "median_ms": f"{row.median_ms:.4g}",
                            "p20_ms": f"{row.p20_ms:.4g}",
                            "dense / time": f"{row.speedup_vs_dense:.2f}",
                            "interval": f"{row.interval[0]:.2f}-{row.interval[1]:.2f}",
                            "max_error": f"{row.max_error:.1e}",
                            "prepare_ms": f"{row.prepare_ms:.0f}",
                            "rounds": row.rounds,
                            "flags": " ".join(row.flags),
                            "choice": row.choice,
                        }
                    )
                    print(
                        case.name,
                        row.label,
                        f"{threads} threads",
                        rows[-1]["dense / time"],
                        rows[-1]["interval"],
                        row.choice,
                        *row.flags,
                        flush=True,
                    )
    write_rows("latency_exact", rows)


if __name__ == "__main__":
    main()
