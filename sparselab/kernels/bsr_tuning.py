"""Parameters of torch's block-sparse product on CUDA: torch ships those of one device, so its tuner is run here."""

from __future__ import annotations

import importlib.util
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sparselab.kernels.choices import keep, recall

if TYPE_CHECKING:
    import torch

_OPERATION = "bsr_dense_addmm"
_PARAMETERS = ("GROUP_SIZE_ROW", "SPLIT_N", "num_stages", "num_warps")
_SMALLEST_BLOCK = 16


@dataclass(frozen=True)
class BsrTuning:
    """Whether `torch.mm` of a block-sparse weight now runs with tuned parameters, and which, or why not."""

    tuned: bool
    told: str


def tune_bsr(weight: torch.Tensor, x: torch.Tensor) -> BsrTuning:
    """Tune `torch.mm(weight, x)` for a BSR weight on CUDA, unless this machine did before; takes up to minutes.

    torch finds the parameters by itself from then on, in this process. They are kept on disk for the next.
    Source: torch.sparse._triton_ops_meta, whose table holds the A100 only.
    """
    obstacle = _obstacle(weight)
    if obstacle:
        return BsrTuning(False, f"untuned: {obstacle}")
    import torch
    from torch.sparse import _triton_ops_meta as meta

    (rows, cols), positions = weight.shape, x.shape[1]
    block_rows, block_cols = weight.values().shape[1:]
    sparsity = round(1 - weight._nnz() * block_rows * block_cols / (rows * cols), 2)  # rounded as torch looks it up
    device = torch.cuda.get_device_name(weight.device)
    looked_up = (rows, cols, positions, block_rows, block_cols, True, False, True)  # beta 0, alpha 1
    key = _key(weight, looked_up, sparsity, device)
    found: dict[str, Any] | None = recall(key, dict.fromkeys(_PARAMETERS, int))
    if found is None:
        y = weight.values().new_zeros((rows, positions))
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*non-optimal triton kernel parameters.*")
            found = meta.tune_bsr_dense_addmm(y, weight, x, beta=0, alpha=1)  # type: ignore[no-untyped-call]
        if not found:
            return BsrTuning(False, "untuned: none of the parameters torch tried runs on this shape")
        keep(key, found)
    version = (0, weight.dtype, sparsity)
    meta.update(_OPERATION, device, version, looked_up, tuple(found[name] for name in _PARAMETERS))  # type: ignore[no-untyped-call]
    return BsrTuning(True, "tuned: " + ", ".join(f"{name} {found[name]}" for name in _PARAMETERS))


def _obstacle(weight: torch.Tensor) -> str:
    if not weight.is_cuda:
        return "only CUDA has parameters to tune"
    if importlib.util.find_spec("triton") is None:
        return "needs triton, which the CUDA builds of PyTorch for Linux bring along"
    sides = weight.values().shape[1:]
    if any(side < _SMALLEST_BLOCK or side & (side - 1) for side in sides):
        return f"torch's kernel takes blocks with sides of 16, 32, 64 ...; got {sides[0]} x {sides[1]}"
    return "" if weight._nnz() else "the weight has no blocks"


def _key(weight: torch.Tensor, looked_up: tuple[Any, ...], sparsity: float, device: str) -> dict[str, Any]:
    import torch
    import triton

    versions = {"torch": torch.__version__, "triton": triton.__version__}
    return (
        {"operation": _OPERATION, "device": device, "dtype": str(weight.dtype), "shape": looked_up}
        | versions
        | {"sparsity": sparsity}
    )
