"""Named tensors in a .safetensors file, each read from its own place when it is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType

import numpy as np

from sparselab.core.ticket import Skipped
from sparselab.formats.base import Archive, ArchiveEntry, Format, Head, read_array
from sparselab.formats.names import clean_name
from sparselab.formats.options import ReadLimits
from sparselab.formats.parsing.safetensors_header import TensorRange, read_header
from sparselab.formats.parsing.stored_types import WORDS, load_widened, widened_notes

_DTYPES: Mapping[str, str] = MappingProxyType({
    "BOOL": "?", "U8": "u1", "I8": "i1", "U16": "<u2", "I16": "<i2", "U32": "<u4", "I32": "<i4", "U64": "<u8",
    "I64": "<i8", "F16": "<f2", "F32": "<f4", "F64": "<f8",
})  # fmt: skip
_STORED: Mapping[str, str] = MappingProxyType(
    {"BF16": "bfloat16", "F8_E4M3": "float8_e4m3fn", "F8_E5M2": "float8_e5m2"}
)
"""The types that NumPy lacks, in torch's words."""


def open_safetensors(path: Path, limits: ReadLimits) -> Archive:
    """Return the tensors of a file, each of which is read alone; bfloat16 and 8-bit floats become float32, which holds them exactly.

    Raises: FileError as `read_header` does.
    """
    # The library maps the whole file into memory, which a worker with little of it cannot; plain reads need none.
    ranges, metadata = read_header(path, limits)
    entries: list[ArchiveEntry] = []
    skipped: list[Skipped] = []
    for tensor in ranges:
        fault = tensor.fault
        if tensor.dtype not in _DTYPES and tensor.dtype not in _STORED:
            fault = fault or f"{clean_name(tensor.dtype[:50])} values are never read"
        if fault:
            skipped.append(Skipped(clean_name(tensor.name), fault))
        else:
            entries.append(_entry(path, tensor))
    notes = widened_notes({entry.stored for entry in entries})
    return Archive(tuple(entries), skipped=tuple(skipped), metadata=metadata, notes=notes)


def _entry(path: Path, tensor: TensorRange) -> ArchiveEntry:
    stored = _STORED.get(tensor.dtype, "")
    raw = np.dtype(WORDS[stored] if stored else _DTYPES[tensor.dtype]).newbyteorder("<")

    words = partial(read_array, path, tensor.offset, raw, tensor.shape)
    if not stored:
        return ArchiveEntry(name=tensor.name, shape=tensor.shape, dtype=raw.newbyteorder("="), load=words)
    return ArchiveEntry(
        name=tensor.name,
        shape=tensor.shape,
        dtype=np.dtype(np.float32),
        load=partial(load_widened, words, stored),
        stored=stored,
        load_stored=words,
    )


def _recognises(head: Head) -> bool:
    # A length below 2^32 leaves four zero bytes before the brace: text and archives never look like that.
    return head.start[4:9] == b"\0\0\0\0{" or (head.suffix == ".safetensors" and head.members is None)


FORMAT = Format(
    name="safetensors",
    title="a safetensors file",
    suffixes=(".safetensors",),
    recognises=_recognises,
    open=open_safetensors,
    parsed_by="header",
    has_shapes=True,
)
