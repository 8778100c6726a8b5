"""Training through blocks against the masked dense layer: whole steps of layers, and an epoch of a perceptron.

    python -m benchmarks.steps [--only linear|conv|perceptron|fallback] [--threads 2] [--rounds 20] [--cpu]

Dense and blocks in turns, forward, backward and an SGD step each; dense multiplies its weight by its mask after the step. Groups of 32
rows, columns drawn at random. "fallback" trains blocks without a kernel, by torch's operations on the dense weight. With --cpu, processor
seconds of the process instead of wall time: what is left to ask of a machine that others use. One row a case in results/latency_steps.csv.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from benchmarks.machine import write_rows
from sparselab.benchmarking.break_even import random_groups
from sparselab.benchmarking.lock import alone
from sparselab.benchmarking.statistics import speedup
from sparselab.nn import convert, masked
from sparselab.nn.block_module import BlockModule

HEIGHT = 32


@dataclass(frozen=True)
class Case:
    """A model whose weights all lie in groups of one density, its input, and how many steps are timed at once."""

    part: str
    name: str
    model: nn.Module
    x: torch.Tensor
    density: float
    steps: int = 1
    has_kernel: bool = True


def cases() -> Iterator[Case]:
    for rows, cols, positions in ((512, 4608, 1024), (256, 2304, 4096)):
        for density in (0.05, 0.10, 0.26, 0.50):
            for part in ("linear", "fallback"):
                name = f"{rows} x {cols}, {positions} positions"
                model = nn.Sequential(nn.Linear(cols, rows))
                yield Case(part, name, model, torch.randn(positions, cols), density, has_kernel=part == "linear")
    for channels, side in ((128, 16), (128, 28), (256, 8), (256, 14)):
        name = f"3x3, {channels} channels, 16 images of {side} x {side}"
        conv = nn.Sequential(nn.Conv2d(channels, channels, 3, padding=1))
        yield Case("conv", name, conv, torch.randn(16, channels, side, side), 0.10)
    for batch in (128, 256):
        layers = [nn.Linear(1024, 1024), nn.ReLU(), nn.Linear(1024, 1024), nn.ReLU(), nn.Linear(1024, 1024)]
        name = f"3 layers 1024 wide, 10 batches of {batch}"
        yield Case("perceptron", name, nn.Sequential(*layers), torch.randn(batch, 1024), 0.10, steps=10)


def trained(model: nn.Module, case: Case, masks: dict[str, torch.Tensor]) -> Callable[[], None]:
    """Return the steps of a case on a model; weights named in `masks` are multiplied by them after each."""
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-4)
    wants_dx = case.part != "perceptron"  # a network's first layer needs no dX; a layer in its middle does
    weights = dict(model.named_parameters())

    def steps() -> None:
        for _ in range(case.steps):
            x = case.x.detach().requires_grad_(wants_dx)
            optimizer.zero_grad()
            model(x).square().mean().backward()
            optimizer.step()
            with torch.no_grad():
                for name, mask in masks.items():
                    weights[name].mul_(mask)

    return steps


def times(case: Case, rounds: int, clock: Callable[[], float]) -> tuple[np.ndarray, np.ndarray]:
    """Return milliseconds of dense and of blocks, one a round, after two that do not count."""
    names = [name for name, layer in case.model.named_modules() if isinstance(layer, nn.Linear | nn.Conv2d)]
    shapes = {name: case.model.get_parameter(f"{name}.weight").flatten(1).shape for name in names}
    layouts = {name: random_groups(rows, cols, HEIGHT, case.density) for name, (rows, cols) in shapes.items()}
    dense, blocks = masked(case.model, layouts).train(), convert(case.model, layouts, strict=True).model.train()
    for layer in blocks.modules():
        if isinstance(layer, BlockModule):
            if not case.has_kernel:
                layer._step = (None,)
            assert (layer.step is not None) == case.has_kernel
    masks = {name: (value != 0).float() for name, value in dense.named_parameters() if value.dim() > 1}
    runs = trained(dense, case, masks), trained(blocks, case, {})
    taken: list[tuple[float, ...]] = []
    for _ in range(rounds + 2):
        pair = []
        for run in runs:
            start = clock()
            run()
            pair.append(1e3 * (clock() - start))
        taken.append(tuple(pair))
    first, second = np.array(taken[2:]).T
    return first, second


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=("linear", "conv", "perceptron", "fallback"))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--cpu", action="store_true", help="processor seconds instead of wall time")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    clock, rows = time.process_time if arguments.cpu else time.perf_counter, []
    with alone():
        for case in cases():
            if arguments.only not in (None, case.part):
                continue
            dense, blocks = times(case, arguments.rounds, clock)
            ratio = speedup(dense, blocks)
            rows.append(
                {
                    "part": case.part,
                    "case": case.name,
                    "density": case.density,
                    "dense_ms": f"{np.median(dense):.4g}",
                    "blocks_ms": f"{np.median(blocks):.4g}",
                    "dense / blocks": f"{ratio.value:.2f}",
                    "interval": f"{ratio.low:.2f}-{ratio.high:.2f}",
                    "best dense / best blocks": f"{dense.min() / blocks.min():.2f}",
                    "clock": "processor" if arguments.cpu else "wall",
                }
            )
            print(*rows[-1].values(), flush=True)
    write_rows("latency_steps", rows)


if __name__ == "__main__":
    main()
