"""Tensors from a stranger's file as NumPy arrays, once it is certain that they are what they say."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sparselab.core.errors import FileError
from sparselab.core.ticket import Skipped
from sparselab.formats.base import ArchiveEntry, check_shape
from sparselab.formats.names import clean_name
from sparselab.formats.options import ReadLimits
from sparselab.formats.parsing.memory import check_memory

if TYPE_CHECKING:
    import torch

_DTYPES = {
    "bool": "bool", "uint8": "uint8", "int8": "int8", "uint16": "uint16", "int16": "int16", "uint32": "uint32",
    "int32": "int32", "uint64": "uint64", "int64": "int64", "float16": "float16", "bfloat16": "float32",
    "float32": "float32", "float64": "float64",
}  # fmt: skip
_COPIES_OF_SPARSE = 2  # blocks are made dense in their own order first, and then copied into that of the matrix


def read_tensor(name: str, tensor: torch.Tensor, is_mask: bool, limits: ReadLimits) -> ArchiveEntry | Skipped:
    """Return the tensor as an entry, or why it is none.

    Raises: FileError for a strided tensor of 2 dimensions or more whose elements share memory, leave gaps in it or
    reach past its end: a kilobyte can declare a terabyte that way.
    """
    import torch

    if type(tensor) not in (torch.Tensor, torch.nn.Parameter) or tensor.is_quantized or tensor.is_nested:
        return Skipped(clean_name(name), "a special tensor: only plain and sparse ones are read")
    if tensor.device.type != "cpu":
        return Skipped(clean_name(name), "a tensor without values")
    dtype = _DTYPES.get(str(tensor.dtype).removeprefix("torch."))
    if dtype is None:
        return Skipped(clean_name(name), f"{tensor.dtype} values are never read")
    shape: tuple[int, ...] = tuple(tensor.shape)
    check_shape(name, shape, limits)
    if tensor.layout == torch.strided and len(shape) > 1 and tensor.numel():
        _check_strided(name, tensor)
    return ArchiveEntry(
        name=name, shape=shape, dtype=np.dtype(dtype), load=lambda: _as_array(tensor.detach()), is_mask=is_mask
    )


def _check_strided(name: str, tensor: torch.Tensor) -> None:
    reach = 1
    sizes = [(stride, size) for stride, size in zip(tensor.stride(), tensor.shape, strict=True) if size > 1]
    for stride, size in sorted(sizes):  # any order of dimensions is fine: channels_last is one
        if stride != reach:
            raise FileError(
                f"{clean_name(name)}: expected a tensor that fills its memory without gap or overlap; got strides "
                f"{tuple(tensor.stride())} for shape {tuple(tensor.shape)}: save tensor.clone().contiguous() instead"
            )
        reach *= size
    room = tensor.untyped_storage().nbytes() // tensor.element_size() - tensor.storage_offset()
    if reach > room:
        raise FileError(f"{clean_name(name)}: expected {reach} elements in its storage; it holds {room}")


def _as_array(tensor: torch.Tensor) -> NDArray[Any]:
    import torch

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
    values: NDArray[Any] = tensor.contiguous().numpy()
    return values
