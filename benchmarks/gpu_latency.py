"""Blocks against the dense product on a CUDA device, in four arithmetics; torch's 2:4 and block-sparse products and training steps beside them.

    python -m benchmarks.gpu_latency [--only TEXT] [--seconds 1] [--minutes M] [--small] [--device cuda]

Each case is a session of `sparselab.benchmarking`: checked against float64, then all kernels in turns, hot, cold and as a graph (training steps
hot alone). Writes sparselab/data/latency-<device>.csv, where the app reads. The time saved counts against the quickest dense product there is:
cuDNN choosing its algorithm by trial, and for convolutions also with everything channels last, whose input is converted beforehand and
not in the time. The cases that say most come first: after --minutes no other is begun, and what was measured is written.
`--small` runs the same on a fraction of the shapes, on a CPU too, to see that it runs; it writes nothing.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from sparselab.benchmarking.conditions import hot_clock
from sparselab.benchmarking.csv_table import as_csv
from sparselab.benchmarking.lock import alone
from sparselab.benchmarking.measurement import measure
from sparselab.benchmarking.records import CHANNELS_LAST, Session
from sparselab.benchmarking.timing import TimedRun, take_turns
from sparselab.core.data_files import sessions_file
from sparselab.core.layer import Layer
from sparselab.core.layout import Block, Layout
from sparselab.core.mask import Mask
from sparselab.kernels.base import Conv, Run, Work, random_input
from sparselab.transforms import NM

if TYPE_CHECKING:
    import torch

DTYPES = ("bfloat16", "float16", "tf32", "float32")
ROUNDS = 40


@dataclass(frozen=True)
class Product:
    """A layer's product, dense."""

    name: str
    rows: int
    input_shape: tuple[int, ...]
    conv: Conv | None = None

    @property
    def cols(self) -> int:
        area = 1 if self.conv is None else self.conv.kernel_shape[0] * self.conv.kernel_shape[1]
        return self.input_shape[0 if self.conv is None else 1] * area

    def small(self) -> Product:
        shape = (1, self.input_shape[1], 8, 8) if self.conv else (256, 128)
        return replace(self, name=f"{self.name} (small)", rows=min(self.rows, 256), input_shape=shape)


LARGE = Product("linear 4096 x 14336", 4096, (14336, 4096))
LONG = Product("linear 512 x 4608", 512, (4608, 4096))
FEW = Product("linear 4096 x 14336, 16 positions", 4096, (14336, 16))
SQUARE = Product("linear 4096 x 4096", 4096, (4096, 4096))
WIDE_CONV = Product("conv 512-512 at 14 x 14", 512, (64, 512, 14, 14), Conv((3, 3), 1, 1))
MIDDLE_CONV = Product("conv 256-256 at 28 x 28", 256, (64, 256, 28, 28), Conv((3, 3), 1, 1))
FIRST_CONV = Product("conv 64-64 at 127 x 127", 64, (64, 64, 127, 127), Conv((3, 3), 1, 1))


@dataclass(frozen=True)
class Case:
    """One session: a product under a layout, and the kernels timed on it; of a training step where `backward`."""

    product: Product
    pattern: str
    dtype: str
    kernels: tuple[str, ...] = ("triton-blocks",)
    backward: bool = False

    @property
    def name(self) -> str:
        step = ", training step" if self.backward else ""
        return f"{self.product.name}, {self.pattern}, {self.dtype}{step}"


def grouped(product: Product, dtype: str, *heights: int, backward: bool = False) -> Iterator[Case]:
    """Three quarters and nine tenths of the weights gone, in groups of these heights."""
    for height in heights:
        for gone in ("75%", "90%"):
            yield Case(product, f"{gone} in groups of {height}", dtype, backward=backward)


def cases() -> Iterator[Case]:
    """Return the cases, those that say most first."""
    yield from grouped(LARGE, "bfloat16", 128, 64)
    yield from grouped(LONG, "bfloat16", 128, 64)
    yield from grouped(WIDE_CONV, "bfloat16", 128, 64)
    yield Case(LARGE, "2:4", "bfloat16", ("semi-structured",))
    yield from grouped(SQUARE, "float32", 128, backward=True)
    yield from grouped(FEW, "bfloat16", 64)
    yield from grouped(LARGE, "tf32", 128)
    yield from grouped(LARGE, "float32", 128)
    yield from grouped(WIDE_CONV, "float32", 128)
    yield from grouped(SQUARE, "bfloat16", 128, backward=True)
    yield from grouped(MIDDLE_CONV, "bfloat16", 64)
    yield from grouped(LARGE, "bfloat16", 32)
    yield from grouped(WIDE_CONV, "tf32", 128)
    yield from grouped(MIDDLE_CONV, "float32", 64, backward=True)
    yield Case(LARGE, "75% in aligned blocks of 64", "bfloat16", ("bsr", "triton-blocks"))
    yield from grouped(LARGE, "float16", 128)
    yield Case(LARGE, "50% in groups of 128", "bfloat16")
    for dtype in ("bfloat16", "float32"):
        yield from grouped(FIRST_CONV, dtype, 64)


def small(case: Case) -> Case:
    """Return a case on a fraction of its shape."""
    return replace(case, product=case.product.small())


def layout_of(case: Case) -> Layout:
    """Groups of neighbouring rows, each with random columns of its own; or random cells of a grid; or 2:4."""
    rng = np.random.default_rng(0)
    rows, cols = case.product.rows, case.product.cols
    nothing = Mask(np.zeros((rows, cols), bool))
    if case.pattern == "2:4":
        weight = rng.standard_normal((rows, cols), dtype=np.float32)
        return NM()(Layer(case.name, Mask(np.ones((rows, cols), bool)), weight), rng=rng, device="cpu")
    share, size = 1 - int(case.pattern.split("%")[0]) / 100, int(case.pattern.split()[-1])
    blocks = []
    for group in np.split(np.arange(rows), rows // size):
        if "aligned" in case.pattern:
            chosen = rng.permutation(cols // size)[: max(1, round(share * cols / size))]
            mine = (chosen[:, None] * size + np.arange(size)).reshape(-1)
        else:
            mine = rng.permutation(cols)[: max(1, round(share * cols))]
        blocks.append(Block(group, np.sort(mine)))
    return Layout.from_blocks(nothing, blocks, reason="")


def work_of(case: Case, device: str) -> Work:
    weight = np.random.default_rng(1).standard_normal((case.product.rows, case.product.cols), dtype=np.float32)
    product = case.product
    return Work(layout_of(case), weight, product.input_shape, conv=product.conv, dtype=case.dtype, device=device)


def channels_last_share(work: Work, seconds: float, *, backward: bool) -> float | None:
    """Return the time of the dense convolution with all tensors channels last / its time as the session takes it; in turns."""
    if work.conv is None or backward:
        return None
    from torch.nn import functional

    from sparselab.kernels.support.precision import tf32_allowed

    stride, padding = work.conv.stride, work.conv.padding
    weight, x = work.tensor(work.masked_weight).reshape(work.tensor_shape), random_input(work)

    def convolution(kernel: torch.Tensor) -> Run:
        return tf32_allowed(lambda x: functional.conv2d(x, kernel, stride=stride, padding=padding), work)

    ways = [(convolution(part[0]), part[1]) for part in ((weight, x), _channels_last(weight, x))]
    timed_runs = [
        TimedRun(key=(index, "hot"), name="conv2d", call=lambda run=run, x=x: run(x), clock=hot_clock(work))  # type: ignore[misc]
        for index, (run, x) in enumerate(ways)
    ]
    taken = take_turns(timed_runs, rounds=ROUNDS, seconds=seconds).times
    return float(np.median(taken[1, "hot"] / taken[0, "hot"]))


def _channels_last(*tensors: torch.Tensor) -> tuple[torch.Tensor, ...]:
    import torch

    return tuple(tensor.contiguous(memory_format=torch.channels_last) for tensor in tensors)


def run(case: Case, device: str, seconds: float) -> Session:
    work = work_of(case, device)
    share = channels_last_share(work, seconds / 3, backward=case.backward)
    about = {"case": case.name, "layer": case.product.name, "transform": case.pattern}
    if share is not None:
        about[CHANNELS_LAST] = f"{share:.3f}"
    session = measure(work, case.kernels, rounds=ROUNDS, seconds=seconds, about=about, backward=case.backward)
    tell(case, session)
    return session


def tell(case: Case, session: Session) -> None:
    """Print what each kernel took, and how many times as fast as the quickest dense product it was."""
    print(f"\n{case.name}")
    for row in session.rows:
        if row.median_ms is None:
            print(f"  {row.label:28} {session.verdict_text(row)}: {row.obstacle}")
            continue
        ahead = ""
        if row.role == "kernel" and row.speedup_vs_dense:
            ahead = f"{row.speedup_vs_dense * session.quickest_dense:.2f}x the quickest dense"
        print(
            f"  {row.label:28} {row.condition:6} {row.median_ms:9.4f} ms ({row.p20_ms:.4f}-{row.p80_ms:.4f})  error {row.max_error:.0e}  "
            f"roofline {row.roof_share or 0:.0%}  {' '.join(row.flags)}  {ahead}  {session.verdict_text(row)}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="cases whose name holds this text")
    parser.add_argument("--seconds", type=float, default=1.0, help="of each session")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="after which no other case is begun")
    parser.add_argument("--small", action="store_true", help="a fraction of the shapes; nothing is written")
    parser.add_argument("--device", default="cuda")
    arguments = parser.parse_args()
    import torch

    if arguments.device.startswith("cuda") and not torch.cuda.is_available():
        sys.exit("expected a CUDA device; there is none here (--small --device cpu shows that the script runs)")
    torch.backends.cudnn.benchmark = True
    chosen = [case for case in cases() if arguments.only in case.name]
    if not arguments.device.startswith("cuda"):
        chosen = [case for case in chosen if case.dtype == "float32"]
    sessions: list[Session] = []
    end = time.monotonic() + 60 * arguments.minutes
    with alone():
        for case in chosen:
            if time.monotonic() >= end:
                break
            sessions.append(run(small(case) if arguments.small else case, arguments.device, arguments.seconds))
            if not arguments.small:
                write(sessions)  # after every case: hours of a rented device are not lost to the last one
    print(f"\n{len(sessions)} of {len(chosen)} cases")


def write(sessions: Sequence[Session]) -> None:
    path = sessions_file(str(sessions[0].device["name"]))
    path.write_text(as_csv(sessions), encoding="utf-8")
    print(f"  wrote {path.name}: {len(sessions)} sessions")


if __name__ == "__main__":
    main()
