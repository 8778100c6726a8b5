"""Named tensors in a .safetensors file, each read from its own place when it is asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparselab.core.inputs.words import widen_bfloat16
from sparselab.core.ticket import Skipped
from sparselab.formats.base import Archive, ArchiveEntry, Format, Head, read_array
from sparselab.formats.names import clean_name
from sparselab.formats.options import ReadLimits
from sparselab.formats.parsing.float8 import widen_float8
from sparselab.formats.parsing.safetensors_header import TensorRange, read_header

_DTYPES = {
    "BOOL": "?", "U8": "u1", "I8": "i1", "U16": "<u2", "I16": "<i2", "U32": "<u4", "I32": "<i4", "U64": "<u8",
    "I64": "<i8", "F16": "<f2", "F32": "<f4", "F64": "<f8",
}  # fmt: skip
_STORED = {"BF16": "bfloat16", "F16": "float16", "F8_E4M3": "float8_e4m3fn", "F8_E5M2": "float8_e5m2"}
"""The types that are counted in words, by torch's names; NumPy lacks all but float16."""


def open_safetensors(path: Path, limits: ReadLimits) -> Archive:
    """Return the tensors of a file, each of which is read alone; bfloat16 and 8-bit floats become float32, which holds them exactly.

    Raises: FileError as `read_header` does.
    """
    # The library maps the whole file into memory, which a worker with little of it cannot; plain reads need none.
    ranges, metadata = read_header(path, limits)
    entries, skipped = [], []
    for tensor in ranges:
        if tensor.dtype in _DTYPES or tensor.dtype in _STORED:
            entries.append(_entry(path, tensor))
        else:
            skipped.append(Skipped(clean_name(tensor.name), f"{tensor.dtype} values are never read"))
    widened = dict.fromkeys(
        _STORED[tensor.dtype] for tensor in ranges if tensor.dtype in _STORED.keys() - _DTYPES.keys()
    )
    notes = tuple(f"{stored} weights became float32" for stored in widened)
    return Archive(tuple(entries), skipped=tuple(skipped), metadata=metadata, notes=notes)


def _entry(path: Path, tensor: TensorRange) -> ArchiveEntry:
    stored = _STORED.get(tensor.dtype, "")
    dtype = np.dtype(_DTYPES.get(tensor.dtype, "<f4"))
    words = np.dtype("<u2" if stored in ("bfloat16", "float16") else "u1")

    def load_stored() -> NDArray[Any]:
        return read_array(path, tensor.offset, words, tensor.shape)

    def load() -> NDArray[Any]:
        if not stored or tensor.dtype in _DTYPES:
            return read_array(path, tensor.offset, dtype, tensor.shape)
        return widen_bfloat16(load_stored()) if stored == "bfloat16" else widen_float8(load_stored(), stored)

    return ArchiveEntry(
        name=tensor.name,
        shape=tensor.shape,
        dtype=dtype.newbyteorder("="),
        load=load,
        stored=stored,
        load_stored=load_stored if stored else None,
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
    has_shapes=True,
)
