"""Every format that is written: as a file of its own, or as another file with some tensors changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

from sparselab.formats.options import ReadLimits
from sparselab.formats.writing.folder import rewrite_folder
from sparselab.formats.writing.numpy import rewrite_npy, rewrite_npz, write_npz
from sparselab.formats.writing.onnx import rewrite_onnx
from sparselab.formats.writing.safetensors import rewrite_safetensors, write_safetensors
from sparselab.formats.writing.smtx import rewrite_smtx
from sparselab.formats.writing.tensors import Changes, NewTensor
from sparselab.formats.writing.torch import rewrite_torch, write_torch


class Write(Protocol):
    """Write tensors to a path, one at a time."""

    def __call__(self, tensors: Iterable[NewTensor], path: Path) -> None: ...


class Rewrite(Protocol):
    """Write a file of the same format as `source`, its tensors changed as told, all else as it is; return remarks.

    None, and nothing written, where that cannot be, and the file can only be written anew from its tensors.

    Raises: FileError for a change of a tensor that is not in the file, or to one that the format cannot hold.
    """

    def __call__(self, source: Path, changes: Changes, out: Path, limits: ReadLimits) -> tuple[str, ...] | None: ...


WRITERS: Mapping[str, Write] = MappingProxyType(
    {"npz": write_npz, "safetensors": write_safetensors, "torch": write_torch}
)
"""Formats that are written from tensors of any file."""

REWRITERS: Mapping[str, Rewrite] = MappingProxyType(
    {
        "safetensors": rewrite_safetensors,
        "npz": rewrite_npz,
        "npy": rewrite_npy,
        "torch": rewrite_torch,
        "smtx": rewrite_smtx,
        "onnx": rewrite_onnx,
        "model-folder": rewrite_folder,
    }
)
"""Formats that are written in place of a file of the same format."""
