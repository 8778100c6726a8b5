"""The dense product in bfloat16: half the bytes, and on processors with matrix units many times the arithmetic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from sparselab.benchmarking.opponents.base import DenseOpponent, Product
from sparselab.core.torch_private import prepacked_linear
from sparselab.kernels.base import TOLERANCES, Work

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class DenseBfloat16(DenseOpponent):
    """Y = W X with W, X and Y in bfloat16 and sums in float32, either way round, and with W laid out beforehand; a convolution also
    with channels last."""

    title: ClassVar[str] = "Dense, bfloat16"
    in_words: ClassVar[str] = "the dense product in bfloat16"
    source: ClassVar[str] = (
        "torch.mm, torch.nn.functional.linear, oneDNN's prepacked one or conv2d in bfloat16, the quickest of them"
    )
    arithmetic: ClassVar[str] = "bfloat16"
    tolerance: ClassVar[float] = TOLERANCES["bfloat16"]

    def missing(self) -> str | None:
        return None

    def ways(self, work: Work, x: torch.Tensor) -> Mapping[str, Product]:
        import torch
        from torch.nn import functional

        weight, bias = work.tensor(work.masked_weight).bfloat16(), work.bias_tensor
        bias, x = None if bias is None else bias.bfloat16(), x.bfloat16()
        if work.conv is None:
            turned = x.T.contiguous()
            ways: dict[str, Product] = {
                "features x positions": lambda: weight @ x if bias is None else torch.addmm(bias[:, None], weight, x),
                "positions x features": lambda: functional.linear(turned, weight, bias).T,
            }
            prepacked = prepacked_linear(weight, bias, len(turned))
            return ways if prepacked is None else {**ways, "weights laid out beforehand": lambda: prepacked(turned).T}
        stride, padding, kernel = work.conv.stride, work.conv.padding, weight.reshape(work.tensor_shape)
        last = kernel.contiguous(memory_format=torch.channels_last), x.contiguous(memory_format=torch.channels_last)
        return {
            "channels first": lambda: functional.conv2d(x, kernel, bias, stride, padding),
            "channels last": lambda: functional.conv2d(last[1], last[0], bias, stride, padding),
        }
