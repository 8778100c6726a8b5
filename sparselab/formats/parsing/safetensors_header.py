"""The header of a .safetensors file, checked to the last byte.

    8 bytes: length of the header | header: JSON {name: {"dtype", "shape", "data_offsets"}} | the tensors, end to end

Our own reader, because the safetensors library accepts a name that comes twice and a shape [0, 2^40]; here both are refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from sparselab.core.errors import FileError
from sparselab.formats.base import check_count, check_shape
from sparselab.formats.names import clean_name
from sparselab.formats.options import ReadLimits
from sparselab.formats.parsing.json_objects import parse_object

WIDTHS = {
    "BOOL": 1, "U8": 1, "I8": 1, "F8_E4M3": 1, "F8_E5M2": 1, "F8_E8M0": 1, "I16": 2, "U16": 2, "F16": 2, "BF16": 2,
    "I32": 4, "U32": 4, "F32": 4, "I64": 8, "U64": 8, "F64": 8, "C64": 8,
}  # fmt: skip
"""Bytes per element of the types a file may name."""

_FIELDS = {"dtype", "shape", "data_offsets"}


@dataclass(frozen=True, kw_only=True)
class TensorRange:
    """One tensor: its type as the file spells it, its shape, and where in the file it begins."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    offset: int


def read_header(path: Path, limits: ReadLimits) -> tuple[list[TensorRange], dict[str, str]]:
    """Return the tensors' ranges and the text metadata.

    Raises: FileError when the header is too long, no JSON, names something twice, or its tensors do not lie end to end
    from the header to the end of the file.
    """
    label, size = clean_name(path.name), path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > limits.max_header_bytes:
            raise FileError(
                f"{label}: expected a header of at most {limits.max_header_bytes} bytes; it claims {length}"
            )
        if size < 8 or length > size - 8:
            raise FileError(f"{label}: expected a header of {length} bytes; the file is cut short: send it again")
        header = parse_object(file.read(length), label, "a header")
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(text, str) for text in metadata.values()):
        raise FileError(f"{label}: expected metadata of texts; got something else")
    check_count("tensors", len(header), limits.max_tensors)
    first = 8 + length
    spans = [_range(name, item, first, limits) for name, item in header.items()]
    reached = 0
    for begin, end, tensor in sorted(spans, key=lambda span: span[:2]):
        if begin != reached:
            raise FileError(f"{clean_name(tensor.name)}: expected its data at byte {reached}; its offset says {begin}")
        reached = end
    if reached != size - first:
        raise FileError(f"{label}: expected {reached} bytes of tensors, as its header says; got {size - first}")
    return [tensor for _, _, tensor in spans], metadata


def _range(name: str, item: Any, first: int, limits: ReadLimits) -> tuple[int, int, TensorRange]:
    label = clean_name(name)
    if not isinstance(item, Mapping) or item.keys() != _FIELDS:
        raise FileError(f"{label}: expected dtype, shape and data_offsets in the header; got something else")
    dtype, shape, span = item["dtype"], item["shape"], item["data_offsets"]
    if dtype not in WIDTHS if isinstance(dtype, str) else True:
        raise FileError(f"{label}: expected a type of {', '.join(WIDTHS)}; got {clean_name(str(dtype)[:50])}")
    if not _are_sizes(shape) or not _are_sizes(span) or len(span) != 2:
        raise FileError(f"{label}: expected whole numbers for its shape and offsets; got something else")
    check_shape(name, shape, limits)
    if 0 in shape:
        raise FileError(f"{label}: expected dimensions from 1 up; got 0")
    begin, end = span
    if end - begin != prod(shape) * WIDTHS[dtype]:
        raise FileError(f"{label}: expected {prod(shape) * WIDTHS[dtype]} bytes; its offsets span {end - begin}")
    return begin, end, TensorRange(name=name, dtype=dtype, shape=tuple(shape), offset=first + begin)


def _are_sizes(value: Any) -> bool:
    return isinstance(value, list) and all(type(part) is int and part >= 0 for part in value)
