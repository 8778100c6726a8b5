"""Named tensors in a .safetensors file, each read from its own place when it is asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparselab.core.ticket import Skipped
from sparselab.formats.base import Archive, ArchiveEntry, Format, Head, check_total, read_array
from sparselab.formats.names import clean_name
from sparselab.formats.options import ReadLimits
from sparselab.formats.parsing.safetensors_header import TensorRange, read_header

_DTYPES = {
    "BOOL": "?", "U8": "u1", "I8": "i1", "U16": "<u2", "I16": "<i2", "U32": "<u4", "I32": "<i4", "U64": "<u8",
    "I64": "<i8", "F16": "<f2", "F32": "<f4", "F64": "<f8", "BF16": "<f4",
}  # fmt: skip


def open_safetensors(path: Path, limits: ReadLimits) -> Archive:
    """Return the tensors of a file; bfloat16 becomes float32, which holds it exactly.

    Raises: FileError as `read_header` does.
    """
    # The library maps the whole file into memory, which a worker with little of it cannot; plain reads need none.
    ranges, metadata = read_header(path, limits)
    entries = [
        ArchiveEntry(
            name=tensor.name,
            shape=tensor.shape,
            dtype=np.dtype(_DTYPES[tensor.dtype]).newbyteorder("="),
            load=_loader(path, tensor),
        )
        for tensor in ranges
        if tensor.dtype in _DTYPES
    ]
    skipped = [
        Skipped(clean_name(tensor.name), f"{tensor.dtype} values are never read")
        for tensor in ranges
        if tensor.dtype not in _DTYPES
    ]
    check_total(entries, limits)
    notes = ("bfloat16 weights became float32",) if any(tensor.dtype == "BF16" for tensor in ranges) else ()
    return Archive(tuple(entries), skipped=tuple(skipped), metadata=metadata, notes=notes)


def _loader(path: Path, tensor: TensorRange) -> Any:
    def load() -> NDArray[Any]:
        if tensor.dtype != "BF16":
            return read_array(path, tensor.offset, np.dtype(_DTYPES[tensor.dtype]), tensor.shape)
        halves = read_array(path, tensor.offset, np.dtype("<u2"), tensor.shape)
        return (halves.astype(np.uint32) << 16).view(np.float32)

    return load


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
