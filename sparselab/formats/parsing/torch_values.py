"""Tensors from a stranger's file as NumPy arrays, once it is certain that they are what they say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sparselab.core.errors import FileError
from sparselab.core.inputs.tensors import NO_VALUES, array_dtype, dense_array, is_tensor, why_not_read
from sparselab.core.ticket import Skipped
from sparselab.formats.base import ArchiveEntry, Role, check_shape
from sparselab.formats.names import clean_name
from sparselab.formats.options import ReadLimits

if TYPE_CHECKING:
    import torch


BFLOAT16_NOTE = "bfloat16 weights became float32"


def is_bfloat16(value: object) -> bool:
    """Whether a value is a tensor of a type that NumPy lacks."""
    return is_tensor(value) and str(value.dtype) == "torch.bfloat16"


def read_tensor(name: str, tensor: torch.Tensor, role: Role, limits: ReadLimits) -> ArchiveEntry | Skipped:
    """Return the tensor of a file as an entry, or why it is none.

    Raises: FileError for a strided tensor of 2 dimensions or more whose elements share memory, leave gaps in it or
    reach past its end: a kilobyte can declare a terabyte that way.
    """
    import torch

    entry = tensor_entry(name, tensor, role, limits)
    if isinstance(entry, Skipped):
        return entry
    if tensor.device.type != "cpu":
        return Skipped(clean_name(name), NO_VALUES)
    if tensor.layout == torch.strided and len(entry.shape) > 1 and entry.size:
        _check_strided(name, tensor)
    return entry


def tensor_entry(name: str, tensor: torch.Tensor, role: Role, limits: ReadLimits) -> ArchiveEntry | Skipped:
    """Return a tensor that somebody has in memory as an entry, or why it is none. Raises: FileError for its shape."""
    dtype = array_dtype(tensor)
    if (why := why_not_read(tensor)) or dtype is None:
        return Skipped(clean_name(name), why)
    check_shape(name, tensor.shape, limits)
    return ArchiveEntry(name=name, shape=tuple(tensor.shape), dtype=dtype, load=lambda: dense_array(tensor), role=role)


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
