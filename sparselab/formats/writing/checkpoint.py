"""A checkpoint in memory, to be written with some tensors changed."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sparselab.core.inputs.memory import check_memory
from sparselab.formats.base import Archive
from sparselab.formats.options import ReadLimits
from sparselab.formats.parsing.zip_members import list_members
from sparselab.formats.readers.torch import open_torch
from sparselab.formats.writing.tensors import NewTensor, copy_of

if TYPE_CHECKING:
    import torch


def load_checkpoint(path: Path, limits: ReadLimits) -> tuple[Any, tuple[str, ...]]:
    """Return the value of a checkpoint, and the names of what is left out of it.

    What torch loads as plain weights is loaded so: tensors that share numbers, sparse layouts and orders of memory stay. Of any
    other, such as one with objects of other classes, the tensors that the reader finds, under its names; those of masks in one
    dictionary.

    Raises: FileError as `open_torch` does, which looks at all of it first.
    """
    import torch

    archive = open_torch(path, limits)
    check_memory(sum(member.file_size for member in list_members(path)))
    try:
        with warnings.catch_warnings(), torch.sparse.check_sparse_tensor_invariants():  # type: ignore[no-untyped-call]
            warnings.simplefilter("ignore")  # about layouts in beta; nothing a reader of the file can act on
            return torch.load(path, map_location="cpu", weights_only=True, mmap=False), ()
    except MemoryError:
        raise
    except Exception:  # torch raises whatever its unpickler stumbles over; all of it means more than plain weights
        return _tensors_alone(archive), tuple(item.name for item in archive.skipped)


def _tensors_alone(archive: Archive) -> dict[str, Any]:
    found: dict[str, Any] = {
        entry.name: torch_tensor(copy_of(entry)) for entry in archive.entries if entry.role != "mask"
    }
    masks = {entry.name: torch_tensor(copy_of(entry)) for entry in archive.entries if entry.role == "mask"}
    return found | ({"masks": masks} if masks else {})


def torch_tensor(new: NewTensor) -> torch.Tensor:
    """Return the numbers of a tensor to be written, of its own type."""
    import torch

    dtype = getattr(torch, new.stored)
    tensor = torch.tensor(np.ascontiguousarray(new.load()).reshape(new.shape))
    words = tensor.dtype in (torch.uint8, torch.uint16, torch.int16) and tensor.dtype != dtype
    return tensor.view(dtype) if words else tensor.to(dtype)
