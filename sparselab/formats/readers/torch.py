"""Checkpoints that torch.save wrote (.pt, .pth): a zip of stored records around one pickle."""

from __future__ import annotations

import warnings
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

from sparselab.core.errors import FileError
from sparselab.core.inputs.memory import check_memory
from sparselab.core.inputs.tensors import is_tensor
from sparselab.core.ticket import Skipped
from sparselab.formats.base import Archive, ArchiveEntry, Format, Head, check_count, check_total
from sparselab.formats.containers import flatten
from sparselab.formats.names import clean_name
from sparselab.formats.options import ReadLimits
from sparselab.formats.parsing.torch_pickle import ADVICE, check_pickle
from sparselab.formats.parsing.torch_values import BFLOAT16_NOTE, is_bfloat16, read_tensor
from sparselab.formats.parsing.zip_members import check_members, list_members, read_member


def check_torch(path: Path, limits: ReadLimits) -> None:
    """Check all that can be without importing torch: the archive, and what its pickle asks for.

    Raises: FileError that says what is wrong.
    """
    label, members = clean_name(path.name), list_members(path)
    check_members(members, path, limits, stored_only=True)
    if any("/code/" in member.filename or member.filename.endswith("/constants.pkl") for member in members):
        raise FileError(f"{label}: expected weights; got a TorchScript program: {ADVICE}")
    pickles = [member for member in members if member.filename.rpartition("/")[2] == "data.pkl"]
    if len(pickles) != 1:
        raise FileError(f"{label}: expected one data.pkl, as torch.save writes it; got {len(pickles)}")
    if pickles[0].file_size > limits.max_header_bytes:
        raise FileError(
            f"{label}: expected a pickle of at most {limits.max_header_bytes} bytes; got {pickles[0].file_size}"
        )
    check_pickle(bytes(read_member(path, pickles[0])), label, limits)


def open_torch(path: Path, limits: ReadLimits) -> Archive:
    """Return the tensors of a checkpoint; sparse ones become dense, bfloat16 becomes float32, when they are loaded.

    Raises: FileError for anything that torch does not load as plain weights.
    """
    check_torch(path, limits)
    entries, skipped, bfloat16 = [], [], False
    for count, (name, value, role) in enumerate(flatten(load_checkpoint(path), is_tensor)):
        check_count("tensors", count, limits.max_tensors)
        if isinstance(value, str):
            skipped.append(Skipped(clean_name(name), value))
            continue
        read = read_tensor(name or path.stem, value, role, limits)
        bfloat16 |= is_bfloat16(value)
        if isinstance(read, ArchiveEntry):
            entries.append(read)
        else:
            skipped.append(read)
    check_total(entries, limits)
    return Archive(tuple(entries), skipped=tuple(skipped), notes=(BFLOAT16_NOTE,) if bfloat16 else ())


def load_checkpoint(path: Path) -> Any:
    """Return what torch loads safely from a file that `check_torch` has passed. Raises: FileError for all else."""
    import torch

    check_memory(sum(member.file_size for member in list_members(path)))
    try:
        with warnings.catch_warnings(), torch.sparse.check_sparse_tensor_invariants():  # type: ignore[no-untyped-call]
            warnings.simplefilter("ignore")  # about layouts in beta; nothing a reader of the file can act on
            return torch.load(path, map_location="cpu", weights_only=True, mmap=False)
    except MemoryError:
        raise
    except Exception as error:
        # torch raises whatever its unpickler stumbles over; all of it means that this file holds no plain weights.
        raise FileError(
            f"{clean_name(path.name)}: expected weights that torch loads safely; it refused them ({_brief(error)}): "
            f"{ADVICE}"
        ) from None


def _brief(error: Exception) -> str:
    if isinstance(error, UnpicklingError):  # a page of advice, most of it on how to open the file without care
        return "UnpicklingError"
    text = "".join(c for c in " ".join(str(error).split())[:120] if c.isprintable()).rstrip(". ")
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _recognises(head: Head) -> bool:
    return any(name.rpartition("/")[2] == "data.pkl" for name in head.members or ())


FORMAT = Format(
    name="torch",
    title="a PyTorch checkpoint",
    suffixes=(".pt", ".pth", ".bin", ".ckpt", ".tar"),
    recognises=_recognises,
    open=open_torch,
    has_shapes=True,
)
