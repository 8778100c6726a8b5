"""Checkpoints that torch.save wrote before PyTorch 1.6 (.th, .pth, .pt): no zip, but pickles and then the storages.

    pickles: magic number | version | facts of the machine | the value | the keys of the storages, in order
    per key: number of elements, 8 bytes | the elements

Numbers are little-endian, whatever the machine. Source: torch.serialization._legacy_load, torch/csrc/generic/serialization.cpp.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sparselab.core.errors import FileError
from sparselab.formats.base import Archive, Format, Head, check_count
from sparselab.formats.names import clean_name
from sparselab.formats.options import ReadLimits
from sparselab.formats.parsing.checkpoints.pickle_machine import DamagedPickle, Persistent
from sparselab.formats.parsing.checkpoints.pickle_opcodes import read_pickle
from sparselab.formats.parsing.checkpoints.pickled_values import StorageRef, storage_of
from sparselab.formats.parsing.checkpoints.torch_entries import Place, Storages, storage_width
from sparselab.formats.parsing.checkpoints.torch_pickle import check_any_tensor, parse_pickle, tensors_of

_MAGIC = b"\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."
_VERSION = 1001
_FIRST_BYTES = 2**20
_PICKLES = 5


def open_legacy(path: Path, limits: ReadLimits) -> Archive:
    """Return the tensors of a checkpoint, as `open_torch` does.

    Raises: FileError for a damaged file, one that ends before its storages do, and one that holds no tensor that can be read.
    """
    label = clean_name(path.name)
    root, keys, start, persistent = _pickles(path, label, limits)
    places = _places(path, keys, start, persistent, label, limits)
    absent = "its storage is not in the file"
    archive = tensors_of(root, path, Storages(find=lambda key: places.get(key, absent)), limits)
    check_any_tensor(archive, path)
    return archive


def _pickles(path: Path, label: str, limits: ReadLimits) -> tuple[Any, Any, int, list[Persistent]]:
    """The value, the keys, where the first storage begins, and what the value leaves to its reader.

    Most files have them in their first megabyte; only others are read further.
    """
    with path.open("rb") as file:
        data = file.read(_FIRST_BYTES)
        try:
            return _parse(data)
        except DamagedPickle:
            data += file.read(limits.max_pickle_bytes - len(data))
    try:
        return _parse(data)
    except DamagedPickle:
        parse_pickle(b"", 0, label)
        raise


def _parse(data: bytes) -> tuple[Any, Any, int, list[Persistent]]:
    at, values, machines = 0, [], []
    for _ in range(_PICKLES):
        value, at, machine = read_pickle(data, at)
        values.append(value)
        machines.append(machine)
    return values[3], values[4], at, machines[3].persistent


def _places(
    path: Path, keys: Any, start: int, persistent: Iterable[Persistent], label: str, limits: ReadLimits
) -> dict[str, Place]:
    """Where each storage lies: they follow one another in the order of their keys."""
    named = {storage.key: storage for storage in _storages(persistent)}
    if not isinstance(keys, list):
        raise FileError(f"{label}: expected the keys of its storages; the file is damaged")
    check_count("storages", len(keys), limits.max_tensors)
    places, size = {}, path.stat().st_size
    with path.open("rb") as file:
        for key in map(str, keys):
            if key not in named or key in places:
                raise FileError(f"{label}: expected the keys of its storages, each once; got {clean_name(key)}")
            width = storage_width(named[key], label)
            length = named[key].root_count * width
            file.seek(start)
            count = int.from_bytes(file.read(8), "little")
            if count != named[key].root_count or start + 8 + length > size:
                raise FileError(
                    f"{label}: expected {named[key].root_count} numbers of {width} bytes at byte {start}; it is cut short or damaged"
                )
            places[key] = Place(path=path, offset=start + 8, size=length)
            start += 8 + length
    return places


def _storages(persistent: Iterable[Persistent]) -> Iterable[StorageRef]:
    for found in persistent:
        try:
            yield storage_of(found)
        except (TypeError, ValueError, LookupError, AttributeError):
            continue


def _recognises(head: Head) -> bool:
    # A pickle of protocol 4 has a frame before the number.
    return head.start[:1] == b"\x80" and _MAGIC in head.start[:32]


FORMAT = Format(
    name="torch-legacy",
    title="a PyTorch checkpoint from before 1.6",
    suffixes=(".th", ".pth", ".pt", ".bin", ".ckpt", ".tar"),
    recognises=_recognises,
    open=open_legacy,
    parsed_by="python",
    has_shapes=True,
)
