"""Blocks in bfloat16 against the quickest dense product in bfloat16: linear layers, few positions, convolutions.

    python -m benchmarks.bfloat16 [--only linear|heights|few|conv] [--threads 1] [--rounds 20] [--cpu]

The quickest of torch.mm, linear and a linear with weights laid out beforehand; of a convolution channels first and last. Blocks with X
features first and, as networks have it, last. Groups of random rows and columns; outputs are checked against float64 before anything is
timed, in turns. By the matrix unit AMX where the processor has it, else widened to float32: `way` says which. With --cpu, processor
seconds instead of wall time. One row a case in results/latency_bfloat16.csv.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

from benchmarks.machine import write_rows
from sparselab.benchmarking.break_even import random_groups
from sparselab.benchmarking.lock import alone
from sparselab.benchmarking.opponents import OPPONENTS
from sparselab.kernels import KERNELS
from sparselab.kernels.base import TOLERANCES, Conv, Work, error_against, random_input, reference

KERNEL, OPPONENT = "native-blocks", "dense-bfloat16"


def cases() -> Iterator[tuple[str, tuple[int, ...], Conv | None, int, int, float]]:
    """Yield part, input shape, convolution, rows, height of groups and density."""
    for density in (0.05, 0.10, 0.26, 0.50):
        yield "linear", (4608, 1024), None, 512, 32, density
        yield "linear", (4096, 256), None, 4096, 32, density
    for height in (16, 64, 128):
        yield "heights", (4608, 1024), None, 512, height, 0.10
    for positions in (1, 16, 32):
        yield "few", (14336, positions), None, 4096, 32, 0.10
    for channels, side, images in ((128, 28, 8), (256, 14, 8), (256, 14, 1), (512, 7, 8), (512, 7, 1)):
        yield "conv", (images, channels, side, side), Conv((3, 3), 1, 1), channels, 32, 0.10


def timed(part: str, work: Work, height: int, rounds: int, clock: Callable[[], float]) -> dict[str, Any]:
    first = random_input(work)
    last = first.t().contiguous().t() if work.conv is None else first.contiguous(memory_format=torch.channels_last)
    exact, run = reference(work, first), KERNELS[KERNEL].prepare(work)
    errors = [error_against(exact, run(x)) for x in (first, last)]
    assert max(errors) < TOLERANCES["bfloat16"]
    ways = OPPONENTS[OPPONENT].ways(work, first)
    products: dict[str, Callable[[], object]] = {**ways, "first": lambda: run(first), "last": lambda: run(last)}
    times: dict[str, list[float]] = {name: [] for name in products}
    for _ in range(rounds):
        for name, product in products.items():
            start = clock()
            product()
            times[name].append(clock() - start)
    median = {name: float(np.median(found)) for name, found in times.items()}
    best = min(ways, key=median.__getitem__)
    return {
        "part": part,
        "input": " x ".join(map(str, work.input_shape)),
        "rows": work.layout.after.rows,
        "group_rows": height,
        "density": round(work.layout.after.density, 3),
        "dense": best,
        "dense_ms": round(1e3 * median[best], 3),
        "features_first": round(median["first"] / median[best], 3),
        "features_last": round(median["last"] / median[best], 3),
        "error": f"{max(errors):.1e}",
        "way": getattr(run, "told", ""),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=("linear", "heights", "few", "conv"))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--cpu", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    clock, rows = time.process_time if arguments.cpu else time.perf_counter, []
    for part, shape, conv, height_of, height, density in cases():
        if arguments.only in (None, part):
            area = 1 if conv is None else conv.kernel_shape[0] * conv.kernel_shape[1]
            layout = random_groups(height_of, shape[0 if conv is None else 1] * area, height, density)
            weight = np.random.default_rng(0).standard_normal(layout.after.shape, np.float32)
            with alone():
                work = Work(layout, weight, shape, conv=conv, dtype="bfloat16")
                rows.append(timed(part, work, height, arguments.rounds, clock))
    write_rows("latency_bfloat16", rows)


if __name__ == "__main__":
    main()
