"""The header of a .safetensors file, checked to the last byte.

    8 bytes: length of the header | header: JSON {name: {"dtype", "shape", "data_offsets"}} | the tensors, end to end

Our own reader, because the safetensors library accepts a name that comes twice and a shape [0, 2^40]; here both are refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from types import MappingProxyType
from typing import Any

from sparselab.core.errors import FileError
from sparselab.formats.base import check_count, shape_fault
from sparselab.formats.names import clean_name
from sparselab.formats.options import ReadLimits
from sparselab.formats.parsing.bounded_json import parse_json

BITS: Mapping[str, int] = MappingProxyType({
    "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6, "BOOL": 8, "U8": 8, "I8": 8, "F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8, "F8_E4M3FNUZ": 8,
    "F8_E5M2FNUZ": 8, "I16": 16, "U16": 16, "F16": 16, "BF16": 16, "I32": 32, "U32": 32, "F32": 32, "I64": 64, "U64": 64, "F64": 64,
    "C64": 64, "C128": 128,
})  # fmt: skip
"""Bits per element of the types that are known; of others, the offsets alone say how long a tensor is."""

_VALUES_PER_TENSOR = 20
_FIELDS = {"dtype", "shape", "data_offsets"}


@dataclass(frozen=True, kw_only=True)
class TensorRange:
    """One tensor: its type as the file spells it, its shape, where in the file it begins, and why it is not read, or ""."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    offset: int
    fault: str = ""


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
        text = file.read(length)
    header = parse_json(text, label, _VALUES_PER_TENSOR * limits.max_tensors)
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
    if not isinstance(dtype, str):
        raise FileError(f"{label}: expected the name of a type; got something else")
    if not _are_sizes(shape) or not _are_sizes(span) or len(span) != 2 or span[0] > span[1]:
        raise FileError(f"{label}: expected whole numbers for its shape and offsets; got something else")
    begin, end = span
    bits, fault = BITS.get(dtype), shape_fault(shape, limits)
    if not fault and bits is not None and 8 * (end - begin) != prod(shape) * bits:
        raise FileError(f"{label}: expected {prod(shape) * bits // 8} bytes; its offsets span {end - begin}")
    return begin, end, TensorRange(name=name, dtype=dtype, shape=tuple(shape), offset=first + begin, fault=fault)


def _are_sizes(value: Any) -> bool:
    return isinstance(value, list) and all(type(part) is int and part >= 0 for part in value)
