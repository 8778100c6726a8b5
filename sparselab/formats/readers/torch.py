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
from sparselab.formats.parsing.torch_entries import Place, Storages
from sparselab.formats.parsing.torch_pickle import check_any_tensor, parse_pickle, tensors_of
from sparselab.formats.parsing.zip_members import check_members, list_members, member_offset, read_member

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
    records = {member.filename.removeprefix(prefix): member for member in members}
    order = "<"
    if (mark := records.get("byteorder")) is not None and mark.file_size < 16:
        order = ">" if bytes(read_member(path, mark, has_sum=mark.CRC != 0)) == b"big" else "<"
    root = _value(path, pickles[0], label, limits)
    places = _Places(path, records)
    if _CONSTANTS not in records:
        archive = tensors_of(root, path, Storages(find=places.of("data"), order=order), limits)
    else:
        archive = _script(path, root, _value(path, records[_CONSTANTS], label, limits), places, order, limits)
    check_any_tensor(archive, path)
    return archive


def _script(path: Path, root: Any, constants: Any, places: _Places, order: str, limits: ReadLimits) -> Archive:
    """The tensors of a program's objects, and those that its code takes from beside them."""
    own = tensors_of(root, path, Storages(find=places.of("data"), order=order), limits)
    if not constants:
        return Archive(own.entries, own.skipped, notes=(*own.notes, _SCRIPT_NOTE))
    named = {"constants": {f"c{index}": value for index, value in enumerate(constants)}}
    beside = tensors_of(named, path, Storages(find=places.of("constants"), order=order), limits)
    notes = tuple(dict.fromkeys((*own.notes, *beside.notes, _SCRIPT_NOTE)))
    return Archive((*own.entries, *beside.entries), (*own.skipped, *beside.skipped), notes=notes)


def _value(path: Path, member: zipfile.ZipInfo, label: str, limits: ReadLimits) -> Any:
    if member.file_size > limits.max_pickle_bytes:
        raise FileError(
            f"{label}: expected a pickle of at most {limits.max_pickle_bytes} bytes; got {member.file_size}"
        )
    data = bytes(read_member(path, member, has_sum=member.CRC != 0))
    return parse_pickle(data, 0, label)[0]


class _Places:
    """Where the records of an archive lie, each looked up once."""

    def __init__(self, path: Path, records: dict[str, zipfile.ZipInfo]) -> None:
        self.path, self.records = path, records
        self.known: dict[str, Place | str] = {}

    def of(self, folder: str) -> Any:
        return lambda key: self.find(f"{folder}/{key}")

    def find(self, name: str) -> Place | str:
        if name not in self.known:
            self.known[name] = self._look(name)
        return self.known[name]

    def _look(self, name: str) -> Place | str:
        member = self.records.get(name)
        if member is None:
            return "its storage is not in the file"
        if member.compress_type != zipfile.ZIP_STORED:
            return "its storage is compressed, which torch never writes"
        offset = member_offset(self.path, member)
        return Place(path=self.path, offset=offset, size=member.file_size, checksum=member.CRC)


def _recognises(head: Head) -> bool:
    return any(name.rpartition("/")[2] == _PICKLE for name in head.members or ())


FORMAT = Format(
    name="torch",
    title="a PyTorch checkpoint",
    suffixes=(".pt", ".pth", ".bin", ".ckpt", ".tar", ".jit"),
    recognises=_recognises,
    open=open_torch,
    has_shapes=True,
)
