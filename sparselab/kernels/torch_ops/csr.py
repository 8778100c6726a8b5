"""Single weights in rows: torch's compressed sparse row product."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sparselab.kernels.base import Kernel, Run, Work
from sparselab.kernels.support.input_checks import checked
from sparselab.kernels.torch_ops.compressed import compressed, multiplied, sparse_obstacle


@dataclass(frozen=True)
class Csr(Kernel):
    """Y = W X with W in compressed sparse rows: MKL on the CPU, cuSPARSE on CUDA. Blocks are of no use to it."""

    title: ClassVar[str] = "CSR"
    source: ClassVar[str] = "torch.sparse_csr (MKL, cuSPARSE)"
    products: ClassVar[tuple[str, ...]] = ("matrix",)
    runs_blocks: ClassVar[bool] = True
    runs_any_mask: ClassVar[bool] = True

    def unsupported_reason(self, work: Work) -> str:
        return sparse_obstacle(work)

    def prepare(self, work: Work) -> Run:
        weight = work.tensor(work.masked_weight)
        return checked(multiplied(compressed(lambda: weight.to_sparse_csr()), work), work)
