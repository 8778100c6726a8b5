"""The dense product in int8, quantised dynamically: weights once, a row of X at a time at every run."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from sparselab.benchmarking.opponents.base import DenseOpponent, Product
from sparselab.core.errors import UnavailableError
from sparselab.core.torch_private import dynamic_int8_product, has_dynamic_int8, packed_int8
from sparselab.kernels.base import Work

if TYPE_CHECKING:
    import torch

_HALVED = ("x86", "fbgemm")
"""Engines whose sums of products may overflow 16 bits, so that torch leaves X one bit less."""


@dataclass(frozen=True)
class DenseInt8(DenseOpponent):
    """Y = W X with W in int8, one scale a row, and X quantised within the run; sums in int32, X and Y in float32."""

    title: ClassVar[str] = "Dense, int8"
    in_words: ClassVar[str] = "the dense product in int8"
    source: ClassVar[str] = "torch.ops.quantized.linear_dynamic, the quickest of the engines that torch has here"
    arithmetic: ClassVar[str] = "int8"
    tolerance: ClassVar[float] = 1e-1
    products: ClassVar[tuple[str, ...]] = ("matrix",)

    def missing(self) -> str | None:
        import torch

        if not has_dynamic_int8():
            return f"torch {torch.__version__} has no dynamic quantisation any more"
        return None if _engines() else "torch was built without an engine for int8"

    def ways(self, work: Work, x: torch.Tensor) -> Mapping[str, Product]:
        packed = packed_by_engine(work.tensor(work.masked_weight), work.bias_tensor)
        turned = x.T.contiguous()
        found: dict[str, Product] = {}
        failures = []
        for engine, each in packed.items():
            try:
                found[engine] = _product(turned, each)
                found[engine]()
            except RuntimeError as failure:
                found.pop(engine, None)
                failures.append(f"{engine}: {failure}")
        if not found:
            raise UnavailableError(f"no engine of torch multiplies this in int8; {'; '.join(failures)}")
        return found


@dataclass(frozen=True, eq=False)
class PackedInt8:
    """A weight in int8, as one engine of torch multiplies it; halved: X gets one bit less, so that no sum overflows."""

    packed: object
    halved: bool

    def product(self, x: torch.Tensor) -> torch.Tensor:
        """Return X W^T + b of a float32 X (positions x in), quantised here."""
        return dynamic_int8_product(x, self.packed, reduce_range=self.halved)


def packed_by_engine(weight: torch.Tensor, bias: torch.Tensor | None) -> Mapping[str, PackedInt8]:
    """Return a float32 weight (out x in) in int8, one scale a row, by the engines of torch that take it.

    Raises: UnavailableError where none does.
    """
    import torch

    scales = weight.abs().amax(1).clamp_min(torch.finfo(torch.float32).tiny) / 127
    found: dict[str, PackedInt8] = {}
    failures = []
    for engine in _engines():
        try:
            with _engine(engine):
                zeros = torch.zeros(len(scales), dtype=torch.int64)
                stored = torch.quantize_per_channel(weight, scales, zeros, 0, torch.qint8)
                found[engine] = PackedInt8(packed_int8(stored, bias), engine in _HALVED)
        except RuntimeError as failure:
            failures.append(f"{engine}: {failure}")
    if not found:
        raise UnavailableError(f"no engine of torch packs this in int8; {'; '.join(failures)}")
    return found


def _product(x: torch.Tensor, packed: PackedInt8) -> Product:
    return lambda: packed.product(x).T


def _engines() -> list[str]:
    import torch

    return [name for name in torch.backends.quantized.supported_engines if name != "none"]


@contextmanager
def _engine(name: str) -> Iterator[None]:
    """Have torch pack for an engine; afterwards everything is as it was. torch warns of quantised tensors' future at every one."""
    import torch

    before = torch.backends.quantized.engine
    torch.backends.quantized.engine = name
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            yield
    finally:
        torch.backends.quantized.engine = before
