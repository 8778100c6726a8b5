"""Models with nothing to find: what looks like a fault and is none."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parametrizations

import sparselab
from tests.diagnosis.cases import Case, InBfloat16, pruned, two_four, with_weight


class LowRank(nn.Module):
    """A weight that is made at every call, of no mask: W + A B."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(256, 256) / 16)
        self.a, self.b = nn.Parameter(torch.randn(256, 4)), nn.Parameter(torch.randn(4, 256))

    def forward(self, x: Tensor) -> Tensor:
        return functional.linear(x, self.weight + self.a @ self.b)


class CausalAttention(nn.Module):
    """Scores that a triangle of zeros and ones masks, as GPT-2 once had it."""

    bias: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.qkv = nn.Linear(128, 384)
        self.register_buffer("bias", torch.tril(torch.ones(64, 64)))

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.qkv(x).chunk(3, dim=-1)
        scores = q @ k.transpose(-1, -2) * self.bias - 1e4 * (1 - self.bias)
        y: Tensor = scores.softmax(-1) @ v
        return y


class Padded(nn.Module):
    """Hidden positions of the input set to zero."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(128, 128)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.layer(x) * (x[..., :1] > 0)
        return y


def _plain() -> tuple[nn.Module, Tensor]:
    return nn.Sequential(nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 64)), torch.randn(64, 256)


def _compiled() -> tuple[nn.Module, Tensor]:
    model, x = _plain()
    return torch.compile(model), x  # type: ignore[return-value]


def _mlp() -> nn.Module:
    return nn.Sequential(pruned(nn.Linear(1024, 1024), 0.95), nn.ReLU(), nn.Linear(1024, 64))


def _converted() -> tuple[nn.Module, Tensor]:
    return sparselab.convert(_mlp()).model, torch.randn(256, 1024)


def _converted_cnn() -> tuple[nn.Module, Tensor]:
    layers = [
        nn.Conv2d(64, 64, 3, padding=1),
        nn.BatchNorm2d(64),
        nn.ReLU(),
        pruned(nn.Conv2d(64, 128, 3, padding=1), 0.95),
    ]
    return sparselab.convert(nn.Sequential(*layers).eval()).model, torch.randn(2, 64, 32, 32)


def _one_position() -> tuple[nn.Module, Tensor]:
    return sparselab.convert(nn.Sequential(pruned(nn.Linear(2048, 2048), 0.95), nn.ReLU())).model, torch.randn(1, 2048)


def _encoder() -> tuple[nn.Module, Tensor]:
    layer = nn.TransformerEncoderLayer(256, 4, 1024, batch_first=True).eval()
    pruned(layer.linear1, 0.95)
    pruned(layer.linear2, 0.95)
    return sparselab.convert(layer).model, torch.randn(4, 128, 256)


def _dense_encoder() -> tuple[nn.Module, Tensor]:
    return nn.TransformerEncoderLayer(256, 4, 512, batch_first=True).eval(), torch.randn(2, 32, 256)


def _two_four() -> tuple[nn.Module, Tensor]:
    layer = nn.Linear(256, 128)
    return nn.Sequential(with_weight(layer, two_four(layer.weight, 1)), nn.ReLU()), torch.randn(64, 256)


def _compressed_rows() -> tuple[nn.Module, Tensor]:
    layer = pruned(nn.Linear(1024, 1024), 0.98)
    return nn.Sequential(with_weight(layer, layer.weight.detach().to_sparse_csr())), torch.randn(64, 1024)


def _converted_groups() -> tuple[nn.Module, Tensor]:
    layer = pruned(nn.Conv2d(256, 256, 3, padding=1, groups=2), 0.95)
    return sparselab.convert(nn.Sequential(layer, nn.ReLU()).eval()).model, torch.randn(4, 256, 16, 16)


def _separable() -> tuple[nn.Module, Tensor]:
    layers = (nn.Conv2d(256, 256, 3, padding=1, groups=256), nn.ReLU(), pruned(nn.Conv2d(256, 512, 1), 0.95))
    return sparselab.convert(nn.Sequential(*layers).eval()).model, torch.randn(4, 256, 28, 28)


class PlainAttention(nn.Module):
    """nn.MultiheadAttention, of which nothing is pruned, before a layer that is."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(256, 4, batch_first=True)
        self.out = pruned(nn.Linear(256, 1024), 0.95)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.out(self.attention(x, x, x, need_weights=False)[0])
        return y


def _attention() -> tuple[nn.Module, Tensor]:
    return sparselab.convert(PlainAttention().eval()).model, torch.randn(4, 128, 256)


HEALTHY: dict[str, Case] = {
    "dense": Case("nothing is pruned", _plain, ""),
    "converted": Case("pruned, and converted", _converted, ""),
    "converted-cnn": Case("a convolution pruned, and converted", _converted_cnn, ""),
    "one-position": Case("converted, at one position", _one_position, ""),
    "encoder": Case("a transformer's encoder layer, converted", _encoder, ""),
    "dense-encoder": Case("a dense encoder layer on its fast path", _dense_encoder, ""),
    "two-four": Case("2:4 along the inputs, for a CUDA device", _two_four, "", "cuda-2:4"),
    "autocast": Case("a dense model under autocast", lambda: (InBfloat16(_plain()[0]), _plain()[1]), ""),
    "compiled": Case("a dense model under torch.compile", _compiled, "", is_slow=True),
    "weight-norm": Case(
        "a weight that is made at every call, of a norm",
        lambda: (parametrizations.weight_norm(nn.Linear(256, 256)), torch.randn(64, 256)),
        "",
    ),
    "low-rank": Case(
        "a weight that is made at every call, of two factors", lambda: (LowRank(), torch.randn(64, 256)), ""
    ),
    "causal": Case("attention with a causal mask", lambda: (CausalAttention(), torch.randn(2, 64, 128)), ""),
    "padded": Case("outputs that a mask of the input hides", lambda: (Padded(), torch.randn(64, 128)), ""),
    "groups": Case("a convolution in groups, converted", _converted_groups, ""),
    "separable": Case("a depthwise convolution as it is, the 1x1 one beside it converted", _separable, ""),
    "attention": Case("attention as it is, the layer after it converted", _attention, ""),
    "compressed-rows": Case("torch's own compressed rows", _compressed_rows, ""),
}
"""What must come out without a finding."""
