"""Programs that torch.export.save wrote since PyTorch 2.8 (.pt2): a zip of raw storages, with JSON that says what lies where.

    data/weights/MODEL_weights_config.json, data/constants/MODEL_constants_config.json
        {"config": {name: {"path_name", "use_pickle", "tensor_meta": {"dtype", "sizes", "strides", "storage_offset", "layout"}}}}
    data/weights/PATH_NAME, data/constants/PATH_NAME    one storage each

Source: torch.export.pt2_archive and torch._export.serde.schema.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from sparselab.core.errors import FileError
from sparselab.core.ticket import Skipped
from sparselab.formats.base import Archive, ArchiveEntry, Format, Head, check_count, check_total
from sparselab.formats.names import clean_name
from sparselab.formats.options import ReadLimits
from sparselab.formats.parsing.bounded_json import parse_json
from sparselab.formats.parsing.checkpoints.pickled_values import Found, StorageRef, TensorRef, Unread, whole
from sparselab.formats.parsing.checkpoints.torch_entries import torch_entry
from sparselab.formats.parsing.checkpoints.torch_records import Records, read_record
from sparselab.formats.parsing.stored_types import widened_notes
from sparselab.formats.parsing.zip_members import check_members, list_members

_CONFIG = re.compile(r"(.*?)data/(weights|constants)/[^/]*_(?:weights|constants)_config\.json")
_DTYPES: Mapping[int, str] = MappingProxyType({
    1: "uint8", 2: "int8", 3: "int16", 4: "int32", 5: "int64", 6: "float16", 7: "float32", 8: "float64", 9: "complex32",
    10: "complex64", 11: "complex128", 12: "bool", 13: "bfloat16", 28: "uint16", 29: "float8_e4m3fn", 30: "float8_e5m2",
    34: "uint32", 35: "uint64",
})  # fmt: skip
_STRIDED = 7
_VALUES_PER_TENSOR = 60
_NOTE = "an exported program: its tensors were read, its graph was not run"


def open_export(path: Path, limits: ReadLimits) -> Archive:
    """Return the weights, buffers and constants of a program.

    Raises: FileError for a damaged archive, one that asks for too much, and JSON that says nothing of tensors.
    """
    label, members = clean_name(path.name), list_members(path)
    check_members(members, path, limits)
    entries: list[ArchiveEntry] = []
    skipped: list[Skipped] = []
    for member in members:
        if (found := _CONFIG.fullmatch(member.filename)) is None:
            continue
        storages = Records(path, found[1], members).storages(f"data/{found[2]}/")
        for name, tensor in _tensors(path, member, label, limits):
            check_count("tensors", len(entries) + len(skipped), limits.max_tensors)
            read = torch_entry(name, tensor, storages, "unknown", limits)
            if isinstance(read, ArchiveEntry):
                entries.append(read)
            else:
                skipped.append(read)
    check_total(entries, limits)
    return Archive(tuple(entries), tuple(skipped), notes=(*widened_notes({entry.stored for entry in entries}), _NOTE))


def _tensors(path: Path, member: zipfile.ZipInfo, label: str, limits: ReadLimits) -> Iterator[tuple[str, Found]]:
    if member.file_size > limits.max_header_bytes:
        raise FileError(f"{label}: expected JSON of at most {limits.max_header_bytes} bytes; got {member.file_size}")
    config = parse_json(read_record(path, member), label, _VALUES_PER_TENSOR * limits.max_tensors).get("config")
    if not isinstance(config, dict):
        raise FileError(f"{label}: expected JSON with the config of its tensors; got something else")
    for name, item in config.items():
        try:
            yield name, _tensor(item)
        except (TypeError, LookupError, AttributeError):
            yield name, Unread("a tensor whose description is damaged")


def _tensor(item: Any) -> Found:
    meta = item["tensor_meta"]
    if item["use_pickle"] or meta["layout"] != _STRIDED:
        return Unread("a special tensor: only plain ones are read")
    dtype = _DTYPES.get(meta["dtype"], f"type {whole(meta['dtype'])}")
    shape, strides = (tuple(whole(size["as_int"]) for size in meta[part]) for part in ("sizes", "strides"))
    # How long a storage is, its record says.
    storage = StorageRef(key=str(item["path_name"]), dtype="uint8", count=2**62, root_count=2**62)
    first = whole(meta["storage_offset"]["as_int"])
    return TensorRef(storage=storage, dtype=dtype, first=first, shape=shape, strides=strides)


def _recognises(head: Head) -> bool:
    return any(_CONFIG.fullmatch(name) for name in head.members or ())


FORMAT = Format(
    name="torch-export",
    title="an exported PyTorch program",
    suffixes=(".pt2",),
    recognises=_recognises,
    open=open_export,
    parsed_by="python",
    has_shapes=True,
)
