"""Blocks against the dense product on this machine's processor: matrix products, the convolutions of ResNet-18, a whole network.

    python -m benchmarks.latency [--only linear|bsr|conv|network|breakeven] [--seconds 2]

Every case is a session of `sparselab.benchmarking`: checked against float64, then all kernels in turns, the dense product beside itself as a
control. Sessions go into sparselab/data/latency-<processor>.csv, where the app reads, the break-even density of each convolution into
results/latency_breakeven.csv (alone: from the sessions already written), the whole network into results/latency_network.csv. Close what else runs first.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from benchmarks.machine import write_rows
from sparselab.benchmarking.break_even import TRANSFORM, break_even, points, random_groups
from sparselab.benchmarking.csv_table import as_csv, stored_results
from sparselab.benchmarking.lock import alone
from sparselab.benchmarking.measurement import measure
from sparselab.benchmarking.records import Session
from sparselab.benchmarking.statistics import speedup, summarise
from sparselab.benchmarking.timing import TimedRun, WallClock, take_turns
from sparselab.benchmarking.verdicts import ratio_text
from sparselab.core.data_files import sessions_file
from sparselab.core.layout import Block, Layout
from sparselab.core.mask import Mask
from sparselab.kernels.base import Conv, Work
from sparselab.nn import largest_difference, masked, sliced

OURS = ("native-blocks", "gather-gemm")
MATRICES = ((512, 4608, 1024), (4096, 4096, 256))
HEIGHTS, DENSITIES = (16, 32, 64, 128), (0.10, 0.26)
CONV_HEIGHT, CONV_DENSITIES = 32, (0.10, 0.26, 0.50, 0.75, 1.0)


@dataclass(frozen=True)
class Case:
    """A product under a layout, and what is said of it."""

    part: str
    name: str
    work: Work
    kernels: tuple[str, ...]
    about: dict[str, str]


def weights(rows: int, cols: int) -> Any:
    return np.random.default_rng(1).standard_normal((rows, cols), dtype=np.float32)


def linear_cases() -> Iterator[Case]:
    """Groups of shuffled rows, each with random columns of its own."""
    for rows, cols, positions in MATRICES:
        for height in HEIGHTS:
            for density in DENSITIES:
                work = Work(random_groups(rows, cols, height, density), weights(rows, cols), (cols, positions))
                name = f"{rows} x {cols}, {positions} positions, groups of {height}, density {density}"
                about = {"transform": TRANSFORM, "group_rows": str(height)}
                yield Case("linear", name, work, (*OURS, "csr"), about)


def bsr_cases() -> Iterator[Case]:
    """What BSR likes best: aligned blocks of 32 x 32 at random places of the grid; our kernels run them too."""
    for rows, cols, positions in MATRICES:
        for density in DENSITIES:
            work = Work(aligned(rows, cols, 32, density), weights(rows, cols), (cols, positions))
            name = f"{rows} x {cols}, {positions} positions, aligned blocks of 32, density {density}"
            yield Case("bsr", name, work, ("bsr", *OURS), {"transform": "aligned-blocks"})


def aligned(rows: int, cols: int, side: int, density: float) -> Layout:
    rng = np.random.default_rng(0)
    grid = (rows // side) * (cols // side)
    chosen = np.sort(rng.choice(grid, round(density * grid), replace=False))
    corners = zip(*np.divmod(chosen, cols // side), strict=True)
    reach = np.arange(side)
    blocks = [Block(top * side + reach, left * side + reach) for top, left in corners]
    return Layout.from_blocks(Mask(np.zeros((rows, cols), bool)), blocks, reason="")


def resnet18(side: int, images: int) -> Iterator[tuple[str, int, tuple[int, int, int, int], Conv]]:
    """The distinct convolutions of a ResNet-18: the CIFAR kind for 32 x 32, the ImageNet kind for 224 x 224."""
    small = side == 32
    yield "stem", 64, (images, 3, side, side), Conv((3, 3), 1, 1) if small else Conv((7, 7), 2, 3)
    size, channels = (side if small else side // 4), 64
    for stage, width in enumerate((64, 128, 256, 512), start=1):
        if width > channels:
            yield f"stage {stage}, first", width, (images, channels, size, size), Conv((3, 3), 2, 1)
            yield f"stage {stage}, shortcut", width, (images, channels, size, size), Conv((1, 1), 2, 0)
            size //= 2
        yield f"stage {stage}", width, (images, width, size, size), Conv((3, 3), 1, 1)
        channels = width


def conv_cases() -> Iterator[Case]:
    for side, images in ((32, 16), (224, 1)):
        for name, rows, shape, conv in resnet18(side, images):
            cols = shape[1] * conv.kernel_shape[0] * conv.kernel_shape[1]
            for density in CONV_DENSITIES:
                layout = random_groups(rows, cols, CONV_HEIGHT, density)
                work = Work(layout, weights(rows, cols), shape, conv=conv)
                about = {
                    "transform": TRANSFORM,
                    "group_rows": str(CONV_HEIGHT),
                    "layer": f"ResNet-18 at {side}: {name}",
                }
                yield Case("conv", f"{about['layer']}, density {density}", work, OURS, about)


def tell(case: Case, session: Session) -> None:
    control = session.row(role="control")
    assert control is not None
    print(f"\n{case.name}  (dense control: {session.verdict_text(control)})")
    for row in session.rows:
        if row.median_ms is None:
            print(f"  {row.label:22} {session.verdict_text(row)}: {row.obstacle}")
            continue
        ratio = 1 / row.speedup_vs_dense if row.speedup_vs_dense else float("nan")
        print(
            f"  {row.label:22} {row.median_ms:9.3f} ms ({row.p20_ms:.3f}-{row.p80_ms:.3f})  time / dense {ratio:.3f}  "
            f"roofline {row.roof_share or 0:.0%}  error {row.max_error:.0e}  {session.verdict_text(row)}  {' '.join(row.flags)}"
        )


def write_sessions(sessions: Sequence[Session]) -> None:
    path = sessions_file(str(sessions[0].device["name"]))
    path.write_text(as_csv(sessions), encoding="utf-8")
    print(f"\nwrote {path.name}: {len(sessions)} sessions")


def break_even_rows(sessions: Sequence[Session]) -> list[dict[str, Any]]:
    """Per convolution: time / dense at each density, and the density at which blocks are no quicker."""
    rows = []
    layers = dict.fromkeys(s.about["layer"] for s in sessions if s.about.get("layer", "").startswith("ResNet-18"))
    for layer in layers:
        mine = [s for s in sessions if s.about.get("layer") == layer]
        line = sorted(points(mine, "native-blocks"), key=lambda point: point.density)
        # By the density asked for: a layer of few columns has none of exactly that.
        ratios = {f"{asked:.2f}": p.row.speedup_vs_dense for asked, p in zip(CONV_DENSITIES, line, strict=True)}
        found = break_even(line)
        first = mine[0]
        rows.append(
            {
                "layer": layer,
                "weight": "x".join(map(str, first.shape)),
                "input": "x".join(map(str, first.input_shape)),
                **{f"time / dense at {name}": round(1 / value, 3) for name, value in ratios.items() if value},
                "break-even density": "" if found is None else round(found, 3),
            }
        )
    return rows


def network() -> nn.Sequential:
    """A small VGG; dropped channels carry 0 through its normalisation, as in a network that was trained without them."""
    layers: list[nn.Module] = []
    channels = 3
    for width in (64, 64, 0, 128, 128, 0, 256, 256, 0, 512, 512):
        if width:
            layers += [nn.Conv2d(channels, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
            channels = width
        else:
            layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 10)).eval()


def refill_network(seconds: float) -> list[dict[str, Any]]:
    """A whole small network with half of its channels, theirs and the next layer's columns of them taken out."""
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    model = network()
    layouts: dict[str, Layout] = {}
    for name, layer in model.named_modules():
        if isinstance(layer, nn.Conv2d):
            height, width = layer.weight.shape[0], layer.weight[0].numel()
            kept = np.sort(rng.choice(height, height // 2, replace=False))
            nothing = Mask(np.zeros((height, width), bool))
            layouts[name] = Layout.from_blocks(nothing, [Block(kept, np.arange(width))], reason="")
    dense, smaller = masked(model, layouts), sliced(model, layouts)
    x = torch.randn(16, 3, 32, 32)
    error = largest_difference(smaller.model, dense, x)

    @torch.no_grad()
    def run(network: nn.Module) -> torch.Tensor:
        answer: torch.Tensor = network(x)
        return answer

    timed_runs = [
        TimedRun(key=(0, "hot"), name="dense", call=lambda: run(model), clock=WallClock()),
        TimedRun(key=(1, "hot"), name="dense again", call=lambda: run(model), clock=WallClock()),
        TimedRun(key=(2, "hot"), name="sliced", call=lambda: run(smaller.model), clock=WallClock()),
    ]
    taken = take_turns(timed_runs, rounds=100, seconds=seconds)
    rows = []
    for timed_run in timed_runs:
        times = taken.times[timed_run.key]
        summary, ratio = summarise(times), speedup(taken.times[0, "hot"], times)
        rows.append(
            {
                "network": timed_run.name,
                "input": "16x3x32x32",
                "channels": 1.0 if timed_run.name != "sliced" else 0.5,
                "median_ms": round(summary.median, 3),
                "p20_ms": round(summary.p20, 3),
                "p80_ms": round(summary.p80, 3),
                "rounds": summary.rounds,
                "time / dense": round(1 / ratio.value, 3),
                "interval": f"{1 / ratio.high:.3f}-{1 / ratio.low:.3f}",
                "verdict": ratio_text(ratio, summary.rounds),
                "max_error": f"{error:.1e}" if timed_run.name == "sliced" else "",
            }
        )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=("linear", "bsr", "conv", "network", "breakeven"))
    parser.add_argument("--seconds", type=float, default=2.0, help="of each session")
    arguments = parser.parse_args()
    sessions: list[Session] = []
    with alone():
        for case in (*linear_cases(), *bsr_cases(), *conv_cases()):
            if arguments.only in (None, case.part):
                session = measure(case.work, case.kernels, seconds=arguments.seconds, about=case.about)
                tell(case, session)
                sessions.append(session)
        if sessions and arguments.only is None:
            write_sessions(sessions)
        if arguments.only == "breakeven":
            sessions = list(stored_results())
        if rows := break_even_rows(sessions):
            write_rows("latency_breakeven", rows)
        if arguments.only in (None, "network"):
            write_rows("latency_network", refill_network(4 * arguments.seconds))


if __name__ == "__main__":
    main()
