"""Whole networks pruned at random, nothing dropped by conversion: converted, dense by torch and by ONNX Runtime, in turns.

    python -m benchmarks.networks [--only resnet-32|resnet-224|transformer] [--batch 1 8]
        [--sparsity .8 .9 .95] [--threads 1 2] [--seconds 4] [--cpu] [--quick]

A ResNet-18 for inputs of 32 x 32 (CIFAR) and of 224 x 224, and a transformer block 768 wide over 128 tokens, batches of 1 and 8. Every
convolution and linear layer is pruned, the first and the last too, as in the DLMC's ResNet-50. `sparselab.convert(model)` runs what it can by
`native-sparse`; its output is compared with the dense model's before anything is timed. ONNX Runtime, where it and `onnx` are installed,
runs the dense model with its normalisations folded and its activations fused, as it does by itself. "folded" is the converted model
with its normalisations folded into its convolutions beforehand (`torch.nn.utils.fusion`), which torch leaves to its user.

With --cpu, processor seconds of the process: what is left to ask of a machine that others use. --quick: one batch, one sparsity, one thread.
One row a case in results/latency_networks.csv.
"""

from __future__ import annotations

import argparse
import copy
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import prune
from torch.nn.utils.fusion import fuse_conv_bn_eval

from benchmarks.machine import write_rows
from sparselab.benchmarking.lock import alone
from sparselab.benchmarking.statistics import speedup
from sparselab.nn import convert, largest_difference

SPARSITIES, BATCHES = (0.80, 0.90, 0.95), (1, 8)
WIDTH, HEADS, TOKENS = 768, 12, 128
TOLERANCE = 1e-4
"""Of the largest output: eighteen layers of float32 sums in another order."""
FEWEST, WARM_UP = 5, 2

Run = Callable[[], object]


class Residual(nn.Module):
    """Two 3 x 3 convolutions beside a shortcut."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        stride = 1 if inputs == width else 2
        self.conv1 = nn.Conv2d(inputs, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.shortcut = nn.Sequential()
        if stride > 1:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, width, 1, stride, bias=False), nn.BatchNorm2d(width))

    def forward(self, x: Tensor) -> Tensor:
        y = functional.relu(self.bn1(self.conv1(x)), inplace=True)
        return functional.relu(self.bn2(self.conv2(y)) + self.shortcut(x), inplace=True)


class ResNet18(nn.Sequential):
    """The network of He et al. (CVPR 2016), for inputs of 32 x 32 without its first two reductions."""

    def __init__(self, side: int) -> None:
        small = side == 32
        stem: list[nn.Module] = [
            nn.Conv2d(3, 64, 3, 1, 1, bias=False) if small else nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        ]
        stem += [nn.BatchNorm2d(64), nn.ReLU(inplace=True), *([] if small else [nn.MaxPool2d(3, 2, 1)])]
        widths = (64, 64, 64, 128, 128, 256, 256, 512, 512)
        blocks = [Residual(*pair) for pair in pairwise(widths)]
        super().__init__(*stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 10 if small else 1000))


class TransformerBlock(nn.Module):
    """Attention and a perceptron, each normalised before and added after."""

    def __init__(self) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.up, self.down = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        batch, tokens, _ = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(batch, tokens, 3, HEADS, -1).permute(2, 0, 3, 1, 4)
        heads = functional.scaled_dot_product_attention(q, k, v)
        x = x + self.out(heads.transpose(1, 2).reshape(batch, tokens, WIDTH))
        y: Tensor = x + self.down(functional.gelu(self.up(self.norm2(x))))
        return y


@dataclass(frozen=True)
class Case:
    part: str
    batch: int
    sparsity: float
    model: nn.Module
    x: Tensor


def cases(batches: Sequence[int], sparsities: Sequence[float]) -> Iterator[Case]:
    for part in ("resnet-32", "resnet-224", "transformer"):
        for sparsity in sparsities:
            for batch in batches:
                torch.manual_seed(0)
                side = int(part.partition("-")[2] or 0)
                model = pruned(ResNet18(side) if side else TransformerBlock(), sparsity)
                yield Case(
                    part, batch, sparsity, model, torch.randn(batch, *((3, side, side) if side else (TOKENS, WIDTH)))
                )


def pruned(model: nn.Module, sparsity: float) -> nn.Module:
    """Return the model in eval mode; normalisations have seen some input, so that numbers keep their size."""
    layers = [layer for layer in model.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
    for layer in layers:
        prune.random_unstructured(layer, "weight", amount=sparsity)  # type: ignore[no-untyped-call]
        prune.remove(layer, "weight")  # type: ignore[no-untyped-call]
    if isinstance(model, ResNet18):
        with torch.no_grad():
            model.train()(torch.randn(8, 3, 64, 64))
    return model.eval()


def folded(model: nn.Module) -> nn.Module:
    """Return a copy whose normalisations are part of the convolutions before them; a weight of 0 stays 0."""
    new = copy.deepcopy(model)
    for parent in list(new.modules()):
        children = list(parent.named_children())
        for (name, conv), (next_name, norm) in pairwise(children):
            if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                setattr(parent, name, fuse_conv_bn_eval(conv, norm))
                setattr(parent, next_name, nn.Identity())
    return new


def onnx_run(model: nn.Module, x: Tensor) -> Run | None:
    """Return the model run by ONNX Runtime on as many threads as torch has; None where it is not installed."""
    if not all(find_spec(name) for name in ("onnx", "onnxruntime", "onnxscript")):
        return None
    import onnxruntime

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(model, (x,), dynamo=True, verbose=False, optimize=True)
    assert program is not None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = torch.get_num_threads(), 1
    options.add_session_config_entry(
        "session.intra_op.allow_spinning", "0"
    )  # its threads would take the next one's turn
    session = onnxruntime.InferenceSession(
        program.model_proto.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    given = {session.get_inputs()[0].name: x.numpy()}
    return lambda: session.run(None, given)


def runs(case: Case) -> Mapping[str, Run]:
    """Return what is timed, by name, each compared with the dense model first."""
    models = {"dense": case.model, "converted": convert(case.model).model}
    if case.part.startswith("resnet"):
        models["folded"] = convert(folded(case.model)).model
    for name, model in models.items():
        error = largest_difference(model, case.model, case.x)
        assert error < TOLERANCE, (case.part, name, error)
    found: dict[str, Run] = {name: lambda model=model: model(case.x) for name, model in models.items()}  # type: ignore[misc]
    onnx = onnx_run(case.model, case.x)
    return found if onnx is None else found | {"onnxruntime": onnx}


@torch.inference_mode()
def times(timed: Mapping[str, Run], seconds: float, clock: Callable[[], float]) -> dict[str, np.ndarray]:
    """Return milliseconds by name, one a round, all in turns."""
    taken: dict[str, list[float]] = {name: [] for name in timed}
    end, rounds = time.perf_counter() + seconds, 0
    while rounds < WARM_UP + FEWEST or time.perf_counter() < end:
        for name, run in timed.items():
            start = clock()
            run()
            taken[name].append(1e3 * (clock() - start))
        rounds += 1
    return {name: np.array(values[WARM_UP:]) for name, values in taken.items()}


def row_of(case: Case, taken: Mapping[str, np.ndarray], threads: int, clock: str) -> dict[str, object]:
    row: dict[str, object] = {
        "network": case.part,
        "batch": case.batch,
        "sparsity": case.sparsity,
        "threads_used": threads,
    }
    row |= {
        f"{name}_ms": f"{np.median(taken[name]):.4g}" if name in taken else ""
        for name in ("dense", "converted", "folded", "onnxruntime")
    }
    for ours in ("converted", "folded"):
        for theirs in ("dense", "onnxruntime"):
            both = ours in taken and theirs in taken
            row[f"{theirs} / {ours}"] = f"{speedup(taken[theirs], taken[ours]).value:.2f}" if both else ""
    ratio = speedup(taken["dense"], taken["converted"])
    return row | {"interval": f"{ratio.low:.2f}-{ratio.high:.2f}", "rounds": len(taken["dense"]), "clock": clock}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=("resnet-32", "resnet-224", "transformer"))
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--batch", type=int, nargs="+", default=BATCHES)
    parser.add_argument("--sparsity", type=float, nargs="+", default=SPARSITIES)
    parser.add_argument("--seconds", type=float, default=4.0, help="of each case")
    parser.add_argument("--cpu", action="store_true", help="processor seconds instead of wall time")
    parser.add_argument("--quick", action="store_true", help="batch 8, sparsity .90, one thread")
    arguments = parser.parse_args()
    clock = time.process_time if arguments.cpu else time.perf_counter
    asked = arguments.batch, arguments.sparsity, arguments.threads
    batches, sparsities, threads = ((8,), (0.90,), (1,)) if arguments.quick else asked
    rows = []
    with alone():
        for number in threads:
            torch.set_num_threads(number)
            for case in cases(batches, sparsities):
                if arguments.only in (None, case.part):
                    taken = times(runs(case), arguments.seconds, clock)
                    rows.append(row_of(case, taken, number, "processor" if arguments.cpu else "wall"))
                    print(*rows[-1].values(), flush=True)
    write_rows("latency_networks", rows)


if __name__ == "__main__":
    main()
