"""Parameters of torch's block-sparse product on CUDA: torch ships those of one device, so its tuner is run here."""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sparselab.core.torch_private import BSR_PARAMETERS, BSR_PRODUCT, bsr_lookup, set_bsr_parameters, tune_bsr_product
from sparselab.kernels.support.tuning_cache import keep, recall

if TYPE_CHECKING:
    import torch

_SMALLEST_BLOCK = 16


@dataclass(frozen=True)
class BsrTuning:
    """Whether `torch.mm` of a block-sparse weight now runs with tuned parameters, and in words which, or why not."""

    tuned: bool
    description: str


def tune_bsr(weight: torch.Tensor, x: torch.Tensor) -> BsrTuning:
    """Tune `torch.mm(weight, x)` for a BSR weight on CUDA, unless this machine did before; takes up to minutes.

    torch finds the parameters by itself from then on, in this process. They are kept on disk for the next.
    Source: torch.sparse._triton_ops_meta, whose table holds the A100 only.
    """
    obstacle = _obstacle(weight)
    if obstacle:
        return BsrTuning(False, f"untuned: {obstacle}")
    import torch

    rows, cols = weight.shape
    sparsity = round(1 - weight.values().numel() / (rows * cols), 2)  # rounded as torch looks it up
    device = torch.cuda.get_device_name(weight.device)
    lookup = bsr_lookup(weight, x.shape[1])
    key = _key(weight, lookup, sparsity, device)
    parameters: Mapping[str, int] | None = recall(key, dict.fromkeys(BSR_PARAMETERS, int))
    if parameters is None:
        parameters = _tuned(weight, x)
        if not parameters:
            return BsrTuning(False, "untuned: none of the parameters torch tried runs on this shape")
        keep(key, parameters)
    set_bsr_parameters(lookup, parameters, dtype=weight.dtype, sparsity=sparsity, device_name=device)
    return BsrTuning(True, "tuned: " + ", ".join(f"{name} {parameters[name]}" for name in BSR_PARAMETERS))


def _tuned(weight: torch.Tensor, x: torch.Tensor) -> Mapping[str, int]:
    y = weight.values().new_zeros((weight.shape[0], x.shape[1]))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*non-optimal triton kernel parameters.*")
        return tune_bsr_product(weight, x, y)


def _obstacle(weight: torch.Tensor) -> str:
    if not weight.is_cuda:
        return "only CUDA has parameters to tune"
    if importlib.util.find_spec("triton") is None:
        return "needs triton, which the CUDA builds of PyTorch for Linux bring along"
    sides = weight.values().shape[1:]
    if any(side < _SMALLEST_BLOCK or side & (side - 1) for side in sides):
        return f"torch's kernel takes blocks with sides of 16, 32, 64 ...; got {sides[0]} x {sides[1]}"
    return "" if weight.values().numel() else "the weight has no blocks"


def _key(weight: torch.Tensor, lookup: tuple[int | bool, ...], sparsity: float, device: str) -> dict[str, Any]:
    import torch
    import triton

    versions = {"torch": torch.__version__, "triton": triton.__version__}
    return (
        {"operation": BSR_PRODUCT, "device": device, "dtype": str(weight.dtype), "shape": lookup}
        | versions
        | {"sparsity": sparsity}
    )
