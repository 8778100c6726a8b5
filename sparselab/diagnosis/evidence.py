"""What the doctor knows when it judges: gathered once, frozen, in plain numbers. Times are milliseconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sparselab.benchmarking.statistics import FEWEST_ROUNDS, Ratio
from sparselab.benchmarking.verdicts import Verdict, verdict_of

TARGETS = ("this-machine", "cuda-2:4", "onnxruntime")
"""What a model is judged for: what was measured here, the rules of 2:4 on CUDA devices, a run of an .onnx file."""

THIS_MACHINE, CUDA_24, ONNXRUNTIME = TARGETS

DENSE_RUN = "dense"
"""What `LayerEvidence.runs` says of a product that multiplies the zeros too."""

KINDS_LEFT_DENSE = {
    "depthwise": "each of its rows sees an input channel of its own, so no two of them share a gather",
    "transposed": "no kernel here multiplies a transposed convolution",
    "volume": "no kernel here multiplies a convolution in three dimensions",
    "recurrent": "a recurrent layer computes with its weights itself and calls no layer",
    "attention": "nn.MultiheadAttention computes with its weights itself and calls no layer",
}
"""Kinds of layers that no sparse product here stands in for, as `LayerEvidence.kind` has them, and why."""

MOST_EQUAL = 1.1
"""A product that is at most so many times as fast does not count as faster."""

MOST_KEPT = 0.95
"""A layer that keeps more than this share of its weights does not count as pruned."""


@dataclass(frozen=True, kw_only=True)
class Windows:
    """Windows of four neighbours along one axis of a weight: how many there are, and how many keep more than two.

    first: row and column (of the weight as a matrix out x n) where the first of those begins; None where there is none.
    chance: the share that would keep more than two if as many weights lay anywhere.
    """

    count: int
    broken: int
    first: tuple[int, int] | None
    chance: float

    @property
    def holds(self) -> bool:
        return self.broken == 0

    @property
    def broken_share(self) -> float:
        return self.broken / max(self.count, 1)


@dataclass(frozen=True, kw_only=True)
class Product:
    """One layer alone, timed here in turns: dense, by the exact kernel, and by that kernel with 2 % of the weights.

    The times are those of the quickest turn: what else runs here only ever adds. own: by the kernel that runs the layer now,
    where that is no dense one. None: not timed, and `obstacle` says why.
    speedup, low, high: dense / (own, or exact) with its 99 % interval. rounds: how many turns.
    """

    dense_ms: float
    exact_ms: float | None = None
    floor_ms: float | None = None
    own_ms: float | None = None
    speedup: float | None = None
    low: float | None = None
    high: float | None = None
    rounds: int = 0
    obstacle: str = ""

    @property
    def best_ms(self) -> float | None:
        """The sparse time that counts: of the layer's own kernel, else of the exact one."""
        return self.exact_ms if self.own_ms is None else self.own_ms

    @property
    def verdict(self) -> Verdict:
        """Whether the sparse product was shown to be faster or slower than the dense one."""
        if self.speedup is None or self.low is None or self.high is None:
            return Verdict.NOT_COMPARED
        return verdict_of(Ratio(self.speedup, self.low, self.high), self.rounds)

    @property
    def pays(self) -> bool:
        """Whether the sparse product was shown to be faster."""
        return self.verdict is Verdict.FASTER

    @property
    def does_not_pay(self) -> bool:
        """Whether it was shown not to be faster, by what counts: neither in turns nor in its quickest one."""
        return self.best_ms is not None and self.best_ms >= self.dense_ms and not self.pays and not self.is_undecided

    @property
    def is_undecided(self) -> bool:
        """Whether it was compared, and the interval allows both: faster by more than counts, and not faster."""
        if self.high is None or self.best_ms is None or self.pays:
            return False
        return self.rounds < FEWEST_ROUNDS or self.high > MOST_EQUAL


@dataclass(frozen=True, kw_only=True)
class LayerEvidence:
    """One weight that was multiplied, or that should have been.

    shape: as a matrix out x n. density: of what is multiplied, its mask applied. positions: outputs / out. op: which
    operation of torch multiplied it. ms: that operation. dtype: in which type it was multiplied; stored: in which it lies.
    how: how the weight comes about, in words, "" where it is a plain parameter. remade: the operations that make the weight
    anew at every call, and remade_ms their time. runs: `DENSE_RUN`, one of our kernels, or the layout of torch.
    kind: one of `KINDS_LEFT_DENSE`, "" of any other layer. is_called: whether its module was called at all. obstacle: why the exact kernel cannot run it as it is multiplied now;
    float32_obstacle: why it could not in float32 either.
    """

    name: str
    shape: tuple[int, int]
    density: float
    positions: int = 0
    op: str = ""
    ms: float = 0.0
    dtype: str = "float32"
    stored: str = "float32"
    how: str = ""
    remade: tuple[str, ...] = ()
    remade_ms: float = 0.0
    runs: str = DENSE_RUN
    is_called: bool = True
    kind: str = ""
    is_convolution: bool = False
    zero_rows: int = 0
    zero_cols: int = 0
    obstacle: str = ""
    float32_obstacle: str = ""
    along_in: Windows | None = None
    along_out: Windows | None = None
    product: Product | None = None

    @property
    def is_pruned(self) -> bool:
        return self.density < MOST_KEPT

    @property
    def is_sparse_run(self) -> bool:
        return self.runs != DENSE_RUN

    @property
    def dense_ms(self) -> float:
        """What the dense product of it takes: as it ran, or where a sparse one ran, as it was timed alone."""
        return self.product.dense_ms if self.is_sparse_run and self.product is not None else self.ms

    @property
    def intensity(self) -> float:
        """Operations per byte of the dense product: 2 rows cols positions / size of weights, inputs and outputs."""
        rows, cols = self.shape
        size = 2 if self.dtype in ("float16", "bfloat16") else 8 if self.dtype == "float64" else 4
        moved = size * (rows * cols + cols * self.positions + rows * self.positions)
        return 2.0 * rows * cols * self.positions / max(moved, 1)


@dataclass(frozen=True, kw_only=True)
class OpTime:
    """An operation or kernel by name, with its own time in one forward pass and how often it ran."""

    name: str
    ms: float
    calls: int


@dataclass(frozen=True, kw_only=True)
class Threads:
    """Threads in use, cores that this process may use, and the time of one forward pass by number of threads."""

    used: int
    cores: int
    ms: Mapping[int, float]


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Everything the causes look at.

    total_ms: one forward pass as the model really runs. ops_ms: the sum of its operations, one by one. ops: how many of them.
    call_ms: what an operation on one number takes. compiled: the parts under torch.compile. fused: the operations that read
    weights of layers and call none of them. gates: masks of channels that activations are multiplied by. gflops, gbytes: peak arithmetic and bandwidth, per second. notes: what was assumed.
    """

    target: str
    layers: tuple[LayerEvidence, ...]
    total_ms: float = 0.0
    ops_ms: float = 0.0
    ops: int = 0
    call_ms: float = 0.0
    kernels: tuple[OpTime, ...] = ()
    threads: Threads | None = None
    autocast: str = ""
    compiled: tuple[str, ...] = ()
    fused: tuple[str, ...] = ()
    gates: tuple[OpTime, ...] = ()
    gflops: float | None = None
    gbytes: float | None = None
    device: str = ""
    versions: Mapping[str, str] | None = None
    is_busy: bool = False
    notes: tuple[str, ...] = ()

    @property
    def pruned(self) -> tuple[LayerEvidence, ...]:
        return tuple(layer for layer in self.layers if layer.is_pruned)

    @property
    def share(self) -> float:
        """The share of the operations' time that the dense products of the pruned layers have; 0 where nothing was timed."""
        dense = sum(map(self.dense_ms, self.pruned))
        others = self.ops_ms - sum(layer.ms for layer in self.pruned)
        return dense / (dense + others) if dense + others > 0 else 0.0

    def dense_ms(self, layer: LayerEvidence) -> float:
        """What the dense product of a layer takes; of a sparse one that was not timed alone, by the ratio of those that were."""
        if not layer.is_sparse_run or layer.product is not None:
            return layer.dense_ms
        timed = [each for each in self.pruned if each.is_sparse_run and each.product is not None]
        ran = sum(each.ms for each in timed)
        return layer.ms * max(1.0, sum(each.dense_ms for each in timed) / ran) if ran else layer.ms

    @property
    def bound(self) -> float:
        """Amdahl's bound: how many times faster at most, if the pruned layers took no time."""
        return 1 / max(1 - self.share, 1e-9)

    def as_json(self) -> dict[str, Any]:
        """Return plain values, with `share` and `bound` beside what was measured."""
        return {**asdict(self), "share": self.share, "bound": min(self.bound, 1e6)}
