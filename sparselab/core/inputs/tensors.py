"""Tensors of torch as NumPy arrays; torch itself is never loaded for it, because who has a tensor has torch."""

from __future__ import annotations

import sys
import warnings
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np
from numpy.typing import NDArray

from sparselab.core.inputs.memory import check_memory

if TYPE_CHECKING:
    import torch

NO_VALUES = "a tensor without values"
_DTYPES = {
    "bool": "bool", "uint8": "uint8", "int8": "int8", "uint16": "uint16", "int16": "int16", "uint32": "uint32",
    "int32": "int32", "uint64": "uint64", "int64": "int64", "float16": "float16", "bfloat16": "float32",
    "float32": "float32", "float64": "float64",
}  # fmt: skip
_COPIES_OF_SPARSE = 2  # blocks are made dense in their own order first, and then copied into that of the matrix


def is_tensor(value: object) -> TypeGuard[torch.Tensor]:
    """Whether a value is a tensor of torch; where torch is not loaded, nothing is."""
    tensor: Any = getattr(sys.modules.get("torch"), "Tensor", None)
    return tensor is not None and isinstance(value, tensor)


def why_not_read(tensor: torch.Tensor) -> str:
    """Return why a tensor's numbers are not read; "" when they are."""
    import torch

    if type(tensor) not in (torch.Tensor, torch.nn.Parameter) or tensor.is_quantized or tensor.is_nested:
        return "a special tensor: only plain and sparse ones are read"
    if tensor.device.type == "meta":
        return NO_VALUES
    return "" if array_dtype(tensor) is not None else f"{tensor.dtype} values are never read"


def array_dtype(tensor: torch.Tensor) -> np.dtype[Any] | None:
    """Return the type of the array that `dense_array` makes of a tensor, None where it makes none."""
    name = _DTYPES.get(str(tensor.dtype).removeprefix("torch."))
    return None if name is None else np.dtype(name)


def dense_array(tensor: torch.Tensor) -> NDArray[Any]:
    """Return a tensor's numbers on the CPU: sparse ones dense, bfloat16 as float32, sharing memory where that can be.

    Raises: MemoryError when there is no room for a copy that is needed.
    """
    import torch

    tensor = tensor.detach().cpu()
    if tensor.layout != torch.strided:
        check_memory(_COPIES_OF_SPARSE * tensor.numel() * tensor.element_size())
        with warnings.catch_warnings():  # torch warns that its compressed layouts are in beta
            warnings.simplefilter("ignore", UserWarning)
            tensor = tensor.to_dense()
    if tensor.dtype == torch.bfloat16:
        check_memory(tensor.numel() * torch.float32.itemsize)
        tensor = tensor.float()
    if not tensor.is_contiguous():
        check_memory(tensor.numel() * tensor.element_size())
    values: NDArray[Any] = tensor.contiguous().resolve_neg().numpy()
    return values
