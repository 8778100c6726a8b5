"""Tensors of torch that somebody has in memory, as entries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sparselab.core.inputs.tensors import array_dtype, dense_array, is_tensor, why_not_read
from sparselab.core.ticket import Skipped
from sparselab.formats.base import ArchiveEntry, Role, check_shape
from sparselab.formats.names import clean_name
from sparselab.formats.options import ReadLimits

if TYPE_CHECKING:
    import torch


BFLOAT16_NOTE = "bfloat16 weights are read as float32"


def is_bfloat16(value: object) -> bool:
    """Whether a value is a tensor of a type that NumPy lacks."""
    return is_tensor(value) and str(value.dtype) == "torch.bfloat16"


def tensor_entry(name: str, tensor: torch.Tensor, role: Role, limits: ReadLimits) -> ArchiveEntry | Skipped:
    """Return a tensor that somebody has in memory as an entry, or why it is none. Raises: FileError for its shape."""
    dtype = array_dtype(tensor)
    if (why := why_not_read(tensor)) or dtype is None:
        return Skipped(clean_name(name), why)
    check_shape(name, tensor.shape, limits)
    return ArchiveEntry(name=name, shape=tuple(tensor.shape), dtype=dtype, load=lambda: dense_array(tensor), role=role)
