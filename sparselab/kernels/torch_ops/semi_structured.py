"""The hardware's own sparsity on CUDA, at most two of every four weights, through torch."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from sparselab.core.layout import Layout
from sparselab.core.mask import IntVector
from sparselab.core.torch_private import choose_cusparselt_algorithm, semi_structured_multiples, semi_structured_product
from sparselab.kernels.base import Kernel, Run, Work, random_input
from sparselab.kernels.support.input_checks import checked

if TYPE_CHECKING:
    import torch

_KEPT, _WINDOW = 2, 4
_LEAST_CAPABILITY = (8, 0)
_X_MULTIPLE = 8  # positions: what both libraries ask for in 2-byte types


@dataclass(frozen=True)
class SemiStructured(Kernel):
    """Y = W X for a W with at most 2 kept of every 4 neighbouring columns, in cuSPARSELt or else CUTLASS.

    Where only the layout's column order makes windows of four hold, the run gathers the rows of X in that order first, and
    pays for it. cuSPARSELt's algorithm is searched for at `prepare`.
    """

    title: ClassVar[str] = "2:4 semi-structured"
    source: ClassVar[str] = "torch.sparse.to_sparse_semi_structured"
    products: ClassVar[tuple[str, ...]] = ("matrix",)
    devices: ClassVar[tuple[str, ...]] = ("cuda",)

    def unsupported_reason(self, work: Work) -> str:
        if work.conv is not None:
            return "multiplies matrices only; give positions instead of an input N, C, H, W"
        if not work.on_cuda:
            return "needs a CUDA device; choose device cuda where there is one"
        if work.dtype not in ("float16", "bfloat16"):
            return f"multiplies float16 and bfloat16; got {work.dtype}"
        rows, cols = work.layout.after.shape
        row_multiple, col_multiple = _multiples(work)
        if rows % row_multiple or cols % col_multiple:
            return f"needs multiples of {row_multiple} rows and {col_multiple} columns; got {rows} x {cols}"
        if window_order(work.layout) is None:
            return f"needs at most {_KEPT} kept of every {_WINDOW} neighbouring columns; N:M with 2:4 makes such a mask"
        import torch

        if torch.cuda.get_device_capability(work.device) < _LEAST_CAPABILITY:
            return "needs a device of compute capability 8.0 (Ampere) or newer"
        return ""

    def prepare(self, work: Work) -> Run:
        order = window_order(work.layout)
        assert order is not None
        natural = np.array_equal(order, np.arange(order.size))
        weight, bias = work.tensor(work.masked_weight[:, order]).contiguous(), work.bias_tensor
        sparse = _compressed(weight, random_input(work), bias)
        rows = None if natural else _as_index(order, work.device)

        def run(x: torch.Tensor) -> torch.Tensor:
            y = semi_structured_product(sparse, _padded(x if rows is None else x.index_select(0, rows)), bias)
            return y[:, : x.shape[1]].contiguous()

        return checked(run, work)


def window_order(layout: Layout) -> IntVector | None:
    """Return a column order in which at most 2 of every 4 neighbours are kept: the natural one, else the layout's; else None."""
    kept = layout.after.kept
    if kept.shape[1] % _WINDOW:
        return None
    for order in (np.arange(kept.shape[1]), np.asarray(layout.col_order.order)):
        windows = kept[:, order].reshape(kept.shape[0], -1, _WINDOW)
        if windows.sum(axis=2).max(initial=0) <= _KEPT:
            return order
    return None


def _backend() -> Any:
    """The class that compresses: cuSPARSELt's where this torch has it."""
    import torch

    if torch.backends.cusparselt.is_available():
        return torch.sparse.SparseSemiStructuredTensorCUSPARSELT
    return torch.sparse.SparseSemiStructuredTensorCUTLASS


def _multiples(work: Work) -> tuple[int, int]:
    return semi_structured_multiples(_backend(), work.torch_dtype)


def _compressed(weight: torch.Tensor, x: torch.Tensor, bias: torch.Tensor | None) -> Any:
    """Return the compressed weight, with the algorithm that is quickest for X where there are several."""
    import torch

    backend = _backend()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*SparseSemiStructuredTensor is in prototype stage.*")
        sparse = backend.from_dense(weight)
    if backend is torch.sparse.SparseSemiStructuredTensorCUSPARSELT:
        choose_cusparselt_algorithm(sparse, _padded(x), bias)
    return sparse


def _padded(x: torch.Tensor) -> torch.Tensor:
    import torch

    return torch.nn.functional.pad(x, (0, -x.shape[1] % _X_MULTIPLE))


def _as_index(order: IntVector, device: str) -> torch.Tensor:
    import torch

    return torch.from_numpy(np.array(order)).to(device)
