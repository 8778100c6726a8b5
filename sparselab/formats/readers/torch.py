"""Checkpoints that torch.save wrote (.pt, .pth), and TorchScript programs: a zip of stored records around one pickle.

The pickle is read by a machine of our own that calls nothing, the tensors by plain reads; torch is not needed.
"""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

from sparselab.core.errors import FileError
from sparselab.formats.base import Archive, Format, Head
from sparselab.formats.names import clean_name
from sparselab.formats.options import ReadLimits
from sparselab.formats.parsing.checkpoints.torch_pickle import check_any_tensor, parse_pickle, tensors_of
from sparselab.formats.parsing.checkpoints.torch_records import Records, read_record
from sparselab.formats.parsing.zip_members import check_members, list_members

_PICKLE = "data.pkl"
_CONSTANTS = "constants.pkl"
_SCRIPT_NOTE = "a TorchScript program: its tensors were read, its code was not run"


def open_torch(path: Path, limits: ReadLimits) -> Archive:
    """Return the tensors of a checkpoint; sparse ones become dense, bfloat16 and 8-bit floats become float32, when loaded.

    Raises: FileError for a damaged archive, one that asks for too much, and one that holds no tensor that can be read.
    """
    label, members = clean_name(path.name), list_members(path)
    check_members(members, path, limits)
    pickles = [member for member in members if member.filename.rpartition("/")[2] == _PICKLE]
    if len(pickles) != 1:
        raise FileError(f"{label}: expected one data.pkl, as torch.save writes it; got {len(pickles)}")
    prefix = pickles[0].filename.removesuffix(_PICKLE)
    records = Records(path, prefix, members)
    root = _value(path, pickles[0], label, limits)
    if (constants := records.members.get(_CONSTANTS)) is None:
        archive = tensors_of(root, path, records.storages("data/"), limits)
    else:
        archive = _script(path, root, _value(path, constants, label, limits), records, limits)
    check_any_tensor(archive, path)
    return archive


def _script(path: Path, root: Any, constants: Any, records: Records, limits: ReadLimits) -> Archive:
    """The tensors of a program's objects, and those that its code takes from beside them."""
    own = tensors_of(root, path, records.storages("data/"), limits)
    if not constants:
        return Archive(own.entries, own.skipped, notes=(*own.notes, _SCRIPT_NOTE))
    named = {"constants": {f"c{index}": value for index, value in enumerate(constants)}}
    beside = tensors_of(named, path, records.storages("constants/"), limits)
    notes = tuple(dict.fromkeys((*own.notes, *beside.notes, _SCRIPT_NOTE)))
    return Archive((*own.entries, *beside.entries), (*own.skipped, *beside.skipped), notes=notes)


def _value(path: Path, member: zipfile.ZipInfo, label: str, limits: ReadLimits) -> Any:
    if member.file_size > limits.max_pickle_bytes:
        raise FileError(
            f"{label}: expected a pickle of at most {limits.max_pickle_bytes} bytes; got {member.file_size}"
        )
    return parse_pickle(read_record(path, member), 0, label)[0]


def _recognises(head: Head) -> bool:
    return any(name.rpartition("/")[2] == _PICKLE for name in head.members or ())


FORMAT = Format(
    name="torch",
    title="a PyTorch checkpoint",
    suffixes=(".pt", ".pth", ".bin", ".ckpt", ".tar", ".jit"),
    recognises=_recognises,
    open=open_torch,
    parsed_by="python",
    has_shapes=True,
)
