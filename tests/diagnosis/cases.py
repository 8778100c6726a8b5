"""Small models with one fault each, and healthy ones: what the doctor must, and must not, find."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import prune

import sparselab


@dataclass(frozen=True)
class Case:
    """A model, its input, the target, and the cause that must come first ("": none may be found).

    about: what was done, for the document. size: "small" models show structure, "large" ones also times.
    around: what surrounds the call of the doctor. is_slow: compiles, for benchmarks and long tests.
    """

    about: str
    make: Callable[[], tuple[nn.Module, Tensor]]
    cause: str
    target: str = "this-machine"
    around: Callable[[], Any] = nullcontext
    is_slow: bool = False


def pruned(layer: Any, amount: float = 0.9) -> Any:
    """Prune a layer by magnitude, for good."""
    prune.l1_unstructured(layer, "weight", amount=amount)  # type: ignore[no-untyped-call]
    prune.remove(layer, "weight")  # type: ignore[no-untyped-call]
    return layer


def two_four(weight: Tensor, axis: int) -> Tensor:
    """The two largest of every four neighbours along an axis, zeros elsewhere."""
    moved = weight.detach().movedim(axis, -1)
    windows = moved.reshape(*moved.shape[:-1], -1, 4)
    kept = torch.zeros_like(windows).scatter_(-1, windows.abs().topk(2, dim=-1).indices, 1.0)
    return (windows * kept).reshape(moved.shape).movedim(-1, axis).contiguous()


def with_weight(layer: Any, weight: Tensor) -> Any:
    layer.weight = nn.Parameter(weight)
    return layer


class OwnMask(nn.Module):
    """Multiplies by a mask in its forward pass."""

    m: Tensor

    def __init__(self, features: int, out: int) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.randn(out, features) / features**0.5)
        self.register_buffer("m", (torch.rand(out, features) < 0.1).float())

    def forward(self, x: Tensor) -> Tensor:
        return functional.linear(x, self.w * self.m)


class InBfloat16(nn.Module):
    """Runs what is in it under autocast."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            y: Tensor = self.model(x)
        return y


@contextmanager
def threads(count: int) -> Iterator[None]:
    """torch on so many threads in the block."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def one_thread() -> Any:
    """torch on one thread: its figures are steadier where other programs run."""
    return threads(1)


def _mlp(width: int = 1024) -> nn.Sequential:
    return nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 64))


def _prune_pairs() -> tuple[nn.Module, Tensor]:
    model = _mlp()
    prune.l1_unstructured(model[0], "weight", amount=0.9)  # type: ignore[no-untyped-call]
    return model, torch.randn(256, 1024)


def _own_mask() -> tuple[nn.Module, Tensor]:
    return nn.Sequential(OwnMask(1024, 1024), nn.ReLU(), nn.Linear(1024, 64)), torch.randn(256, 1024)


def _wrong_axis() -> tuple[nn.Module, Tensor]:
    layer = nn.Linear(256, 128)
    return nn.Sequential(with_weight(layer, two_four(layer.weight, 0)), nn.ReLU()), torch.randn(64, 256)


def _broken_window() -> tuple[nn.Module, Tensor]:
    layer = nn.Linear(256, 128)
    weight = two_four(layer.weight, 1)
    weight[77, 40:44] = 0.5
    return nn.Sequential(with_weight(layer, weight), nn.ReLU()), torch.randn(64, 256)


def _below_break_even() -> tuple[nn.Module, Tensor]:
    return nn.Sequential(pruned(nn.Linear(96, 96), 0.6), nn.ReLU(), nn.Linear(96, 96)), torch.randn(512, 96)


def _one_position() -> tuple[nn.Module, Tensor]:
    return nn.Sequential(pruned(nn.Linear(3072, 3072)), nn.ReLU(), nn.Linear(3072, 16)), torch.randn(1, 3072)


def _small_share() -> tuple[nn.Module, Tensor]:
    body = [nn.Conv2d(16, 64, 3, padding=1), nn.ReLU(), nn.Conv2d(64, 64, 3, padding=1), nn.ReLU()]
    head = [nn.Conv2d(64, 64, 3, padding=1), nn.Flatten(), nn.AdaptiveAvgPool1d(768), pruned(nn.Linear(768, 768))]
    return nn.Sequential(*body, *head), torch.randn(4, 16, 32, 32)


def _encoder(width: int = 256) -> nn.TransformerEncoderLayer:
    layer = nn.TransformerEncoderLayer(width, 4, 4 * width, batch_first=True).eval()
    pruned(layer.linear1)
    pruned(layer.linear2)
    return layer


def _fast_path() -> tuple[nn.Module, Tensor]:
    return _encoder(), torch.randn(4, 128, 256)


def _autocast() -> tuple[nn.Module, Tensor]:
    model = nn.Sequential(pruned(nn.Linear(1024, 1024)), nn.ReLU(), nn.Linear(1024, 64))
    return InBfloat16(sparselab.convert(model).model), torch.randn(256, 1024)


def _compiled() -> tuple[nn.Module, Tensor]:
    model = sparselab.convert(nn.Sequential(pruned(nn.Linear(1024, 1024)), nn.ReLU(), nn.Linear(1024, 64))).model
    return torch.compile(model), torch.randn(256, 1024)  # type: ignore[return-value]


def _converted() -> tuple[nn.Module, Tensor]:
    model = nn.Sequential(pruned(nn.Linear(1024, 1024), 0.95), nn.ReLU(), nn.Linear(1024, 64))
    return sparselab.convert(model).model, torch.randn(256, 1024)


def _tiny() -> tuple[nn.Module, Tensor]:
    return nn.Sequential(pruned(nn.Linear(16, 16)), nn.ReLU(), nn.Linear(16, 4)), torch.randn(2, 16)


def tiny_model() -> nn.Module:
    """A model for command lines."""
    return _tiny()[0]


def _left_as_zeros() -> tuple[nn.Module, Tensor]:
    return nn.Sequential(pruned(nn.Linear(1024, 1024), 0.95), nn.ReLU(), nn.Linear(1024, 64)), torch.randn(256, 1024)


def _grouped() -> tuple[nn.Module, Tensor]:
    return nn.Sequential(pruned(nn.Conv2d(256, 256, 3, padding=1, groups=2)), nn.ReLU()), torch.randn(4, 256, 16, 16)


def _depthwise() -> tuple[nn.Module, Tensor]:
    layers = (pruned(nn.Conv2d(256, 256, 3, padding=1, groups=256)), nn.ReLU(), nn.Conv2d(256, 16, 1))
    return nn.Sequential(*layers), torch.randn(4, 256, 56, 56)


def _transposed() -> tuple[nn.Module, Tensor]:
    return nn.Sequential(pruned(nn.ConvTranspose2d(128, 64, 4, 2, 1)), nn.ReLU()), torch.randn(4, 128, 16, 16)


class Attention(nn.Module):
    """A pruned nn.MultiheadAttention over tokens."""

    def __init__(self, width: int = 512) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(width, 8, batch_first=True)
        with torch.no_grad():
            self.attention.in_proj_weight.mul_(torch.rand_like(self.attention.in_proj_weight) < 0.1)
        pruned(self.attention.out_proj)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.attention(x, x, x, need_weights=False)[0]
        return y


STAGED: dict[str, Case] = {
    "prune-pairs": Case("pruned by torch.nn.utils.prune, and the pairs never removed", _prune_pairs, "prune-pairs"),
    "own-mask": Case("a forward pass that multiplies by a mask of its own", _own_mask, "own-mask"),
    "wrong-axis": Case("2:4 along the outputs, asked for a CUDA device", _wrong_axis, "wrong-axis", "cuda-2:4"),
    "broken-window": Case(
        "2:4 along the inputs with one window of four kept", _broken_window, "broken-window", "cuda-2:4"
    ),
    "break-even": Case("40 % kept of a small layer", _below_break_even, "break-even"),
    "memory-bound": Case("a large layer at one position", _one_position, "memory-bound"),
    "small-share": Case("the last linear layer of a CNN pruned, the convolutions not", _small_share, "small-share"),
    "fast-path": Case("a transformer's encoder layer with its weights set to zero", _fast_path, "fast-path"),
    "autocast": Case("a converted model under autocast to bfloat16", _autocast, "autocast"),
    "compiled-blocks": Case("a converted model under torch.compile", _compiled, "compiled-blocks", is_slow=True),
    "threads": Case(
        "a converted model on eight times as many threads as cores", _converted, "threads", around=lambda: threads(16)
    ),
    "cannot-pay": Case("a model of a few hundred weights", _tiny, "cannot-pay"),
}
"""The twelve faults."""

ALSO: dict[str, Case] = {
    "zeros-multiplied": Case("pruned for good, and left to the dense kernel", _left_as_zeros, "zeros-multiplied"),
    "grouped": Case("a convolution in groups, pruned for good", _grouped, "zeros-multiplied", around=one_thread),
    "depthwise": Case("a depthwise convolution, pruned", _depthwise, "depthwise", around=one_thread),
    "transposed": Case("a transposed convolution, pruned", _transposed, "transposed", around=one_thread),
    "attention": Case(
        "nn.MultiheadAttention with its weights set to zero",
        lambda: (Attention(), torch.randn(8, 128, 512)),
        "attention",
        around=one_thread,
    ),
}
"""What is no fault of the model: nothing here makes use of its zeros."""
