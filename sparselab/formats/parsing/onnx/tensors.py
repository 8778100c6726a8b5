"""Tensors of an ONNX model: what their headers say, checked against the bytes, and their numbers when they are asked for.

A TensorProto keeps its numbers as raw bytes (little-endian), in a field of one type, or in a file beside the model.
Source: github.com/onnx/onnx, onnx/onnx.proto.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sparselab.core.errors import FileError
from sparselab.formats.base import check_shape, read_array
from sparselab.formats.names import clean_name
from sparselab.formats.options import ReadLimits
from sparselab.formats.parsing.onnx.external import ExternalData, find_external
from sparselab.formats.parsing.onnx.wire import LENGTH, Field, Wire

DIMS, TYPE, NAME, RAW, EXTERNAL, LOCATION = 1, 2, 8, 9, 13, 14
TYPED = (4, 5, 7, 10, 11)
"""Numbers of TensorProto's fields: float_data, int32_data, int64_data, double_data and uint64_data are the typed ones."""


class NumberType(NamedTuple):
    """A type of number: how it lies in raw data, in which typed field, and its name in torch where NumPy has none."""

    words: str
    typed: int
    stored: str = ""


TYPES = {
    1: NumberType("<f4", 4), 2: NumberType("u1", 5), 3: NumberType("i1", 5), 4: NumberType("<u2", 5),
    5: NumberType("<i2", 5), 6: NumberType("<i4", 5), 7: NumberType("<i8", 7), 9: NumberType("?", 5),
    10: NumberType("<f2", 5), 11: NumberType("<f8", 10), 12: NumberType("<u4", 11), 13: NumberType("<u8", 11),
    16: NumberType("<u2", 5, "bfloat16"),
}  # fmt: skip
_NEVER_READ = {
    8: "texts", 14: "complex64 values", 15: "complex128 values", 17: "float8e4m3fn values", 18: "float8e4m3fnuz values",
    19: "float8e5m2 values", 20: "float8e5m2fnuz values", 21: "uint4 values", 22: "int4 values", 23: "float4e2m1 values",
    24: "float8e8m0 values",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class OnnxTensor:
    """A tensor of a graph. `parents` are the messages around it, outermost first; `pieces` the fields that hold its numbers.

    `fault` says why it cannot be read, "" if it can. `external` is where its numbers lie when that is another file, `external_fields` are those that say so.
    """

    name: str
    shape: tuple[int, ...]
    code: int
    parents: tuple[Field, ...]
    field: Field
    pieces: tuple[Field, ...] = ()
    external: ExternalData | None = None
    external_fields: tuple[Field, ...] = ()
    fault: str = ""

    @property
    def kind(self) -> NumberType:
        return TYPES[self.code]

    @property
    def words(self) -> np.dtype[Any]:
        """The type of its numbers as they lie in the file, in this machine's order."""
        return np.dtype(self.kind.words).newbyteorder("=")

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of its values."""
        return np.dtype(np.float32) if self.kind.stored else self.words

    def load_words(self, path: Path) -> NDArray[Any]:
        """Return its numbers as they lie in the file."""
        raw = np.dtype(self.kind.words)
        if self.external is not None:
            return read_array(self.external.path, self.external.offset, raw, self.shape)
        if not self.pieces or self.pieces[0].number == RAW:
            return read_array(path, self.pieces[0].start if self.pieces else 0, raw, self.shape)
        with path.open("rb") as file:
            content = b"".join(_piece(file, piece) for piece in self.pieces)
        if self.kind.typed in (4, 10):
            return np.frombuffer(content, raw).astype(self.words).reshape(self.shape)
        numbers = varints(content)
        if numbers.size != prod(self.shape):
            raise FileError(f"{path.name}: expected {prod(self.shape)} numbers; got {numbers.size}: it has changed")
        # The low bits: halves lie in whole numbers, and negative ones in 64 bits.
        return numbers.astype(f"u{raw.itemsize}").view(self.words).reshape(self.shape)

    def load(self, path: Path) -> NDArray[Any]:
        """Return its values; bfloat16 becomes float32, which holds it exactly."""
        words = self.load_words(path)
        return (words.astype(np.uint32) << 16).view(np.float32) if self.kind.stored else words


def _piece(file: Any, piece: Field) -> bytes:
    file.seek(piece.start)
    content: bytes = file.read(piece.size)
    return content


def parse_tensor(
    wire: Wire, field: Field, parents: tuple[Field, ...], path: Path, limits: ReadLimits, name: str = ""
) -> OnnxTensor:
    """Return the tensor in a message; `name` instead of its own. What is wrong with it alone is its `fault`.

    Raises: FileError for a message that is damaged.
    """
    parts = wire.parts(field)
    shape = tuple(size for part in parts[DIMS] for size in wire.integers(part))
    code = parts[TYPE][-1].value if parts[TYPE] else 0
    if not name and parts[NAME]:
        name = wire.text(parts[NAME][-1])
    pieces = tuple(part for number in (RAW, *TYPED) for part in parts[number])
    external, fault = None, ""
    try:
        check_shape(name, shape, limits)
        _check_kind(code, parts)
        size = prod(shape) * np.dtype(TYPES[code].words).itemsize
        if parts[LOCATION] and parts[LOCATION][-1].value:
            external = find_external(path, _pairs(wire, parts[EXTERNAL]), size)
        else:
            _check_bytes(wire, TYPES[code], pieces, prod(shape))
    except FileError as error:
        fault = str(error).removeprefix(f"{clean_name(name)}: ")
    return OnnxTensor(
        name=name,
        shape=shape,
        code=code,
        parents=parents,
        field=field,
        pieces=pieces if not fault and external is None else (),
        external=external,
        external_fields=(*parts[EXTERNAL], *parts[LOCATION]) if external is not None or fault else (),
        fault=fault,
    )


def _check_kind(code: int, parts: dict[int, list[Field]]) -> None:
    if code not in TYPES:
        raise FileError(f"{_NEVER_READ.get(code, 'values of an unknown type')} are never read")
    if parts[3]:
        raise FileError("expected a whole tensor; got a segment of it")
    kinds = [number for number in (RAW, *TYPED, 6) if parts[number]]
    if len(kinds) > 1 or len(parts[RAW]) > 1:
        raise FileError("expected its numbers in one field; got several")
    if kinds and kinds[0] not in (RAW, TYPES[code].typed):
        raise FileError("expected numbers in the field of their type; got another field")


def _check_bytes(wire: Wire, kind: NumberType, pieces: Iterable[Field], count: int) -> None:
    pieces = tuple(pieces)
    size = sum(piece.size for piece in pieces)
    if not pieces or pieces[0].number == RAW or kind.typed in (4, 10):
        need = count * np.dtype(kind.words).itemsize
        if size != need or any(piece.number == RAW and piece.kind != LENGTH for piece in pieces):
            raise FileError(f"expected {need} bytes, as its shape says; got {size}")
        return
    ends = sum(int(np.count_nonzero(np.frombuffer(wire.bytes(p.start, p.end), np.uint8) < 128)) for p in pieces)
    if ends != count:
        raise FileError(f"expected {count} numbers, as its shape says; got {ends}")


def _pairs(wire: Wire, fields: Iterable[Field]) -> dict[str, str]:
    pairs = {}
    for field in fields:
        texts = {part.number: wire.text(part) for part in wire.inside(field) if part.number in (1, 2)}
        pairs[texts.get(1, "")] = texts.get(2, "")
    return pairs


def varints(content: bytes) -> NDArray[np.uint64]:
    """Return the numbers of varints that lie one after the other.

    Example: >>> varints(bytes.fromhex("ac0207")).tolist()
             [300, 7]
    """
    groups = np.frombuffer(content, np.uint8)
    ends = np.flatnonzero(groups < 128)
    starts = np.concatenate([[0], ends[:-1] + 1]) if ends.size else ends
    values = np.zeros(ends.size, np.uint64)
    for place in range(min(10, int((ends - starts).max(initial=-1)) + 1)):
        there = starts + place <= ends
        values[there] |= (groups[starts[there] + place].astype(np.uint64) & np.uint64(127)) << np.uint64(7 * place)
    return values
