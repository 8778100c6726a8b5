"""What every format turns a file into: named tensors that load one by one."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sparselab.core.errors import FileError, SettingError
from sparselab.core.inputs.arrays import MAX_RANK, MAX_SIZE
from sparselab.core.plugins import expect_instance, expect_texts
from sparselab.core.ticket import Skipped
from sparselab.formats.names import clean_name
from sparselab.formats.options import ReadLimits

Role: TypeAlias = Literal["unknown", "weight", "mask"]
"""What a file itself says of a tensor: by a graph, by the container it lies in, by a type of its own."""

ParsedBy: TypeAlias = Literal["header", "python", "library"]
"""What parses a file: a bounded header says where plain numbers lie; code in Python reads all of it; a library in C does."""


@dataclass(frozen=True, kw_only=True)
class ConvGeometry:
    """What a file knows of a convolution besides its weight: stride and padding alike in every direction, and its groups."""

    stride: int = 1
    padding: int = 0
    groups: int = 1


@dataclass(frozen=True, kw_only=True)
class ArchiveEntry:
    """One tensor of a file. `name` is as the file spells it: clean it before showing it.

    `dtype` is that of the array `load` returns. `stored` names the type in the file where NumPy has none, in torch's words,
    such as "bfloat16"; `load_stored` then returns the numbers as they lie there, as unsigned words of the same shape, so that
    zeros are counted and weights written back without being widened. `axes` is what the file says of the order of the axes,
    one letter each: O out, I in, H W D the kernel's, E experts; such as "HWIO". "" where it says nothing.
    `shown` is a better name than `name` where the file has one: an exporter may have numbered its weights.
    """

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    load: Callable[[], NDArray[Any]]
    role: Role = "unknown"
    stored: str = ""
    load_stored: Callable[[], NDArray[Any]] | None = None
    axes: str = ""
    geometry: ConvGeometry | None = None
    shown: str = ""

    @property
    def title(self) -> str:
        """What people know it by: `shown`, else its name in the file."""
        return self.shown or self.name

    @property
    def size(self) -> int:
        """Number of elements."""
        return prod(self.shape)


@dataclass(frozen=True)
class Archive:
    """The tensors of a file, what in it is no tensor, its text metadata, and remarks on how it was read.

    `has_names`: False for a format of one array without a name, which is then named after its file.
    """

    entries: tuple[ArchiveEntry, ...]
    skipped: tuple[Skipped, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    has_names: bool = True


@dataclass(frozen=True, kw_only=True)
class Head:
    """What the first look at a file shows: its first bytes, its size, and the members' names if it is a zip.

    `files` are the names of what lies in it if it is a folder, in order, folders themselves left out.
    """

    path: Path
    start: bytes
    size: int
    members: tuple[str, ...] | None = None
    files: tuple[str, ...] | None = None

    @property
    def suffix(self) -> str:
        return self.path.suffix.lower()


@dataclass(frozen=True, kw_only=True)
class Format:
    """One kind of file: how to know it, what to call it, and how to open it.

    `has_shapes`: a matrix in it is a matrix. Otherwise it may be a flattened convolution, and ReadOptions say which.
    `opens_folders`: a folder may be of this kind; other formats are never asked about one. `parsed_by` says how far a stranger's
    file must be kept off: see `formats.limited`.
    """

    name: str
    title: str
    suffixes: tuple[str, ...]
    recognises: Callable[[Head], bool]
    open: Callable[[Path, ReadLimits], Archive]
    has_shapes: bool
    opens_folders: bool = False
    parsed_by: ParsedBy = "library"


def check_format(name: str, kind: Any) -> None:
    """Raises: SettingError unless what a plug-in brings is a format under its own name, with suffixes in lower case."""
    expect_instance(kind, Format)
    expect_texts(kind, "title")
    if kind.name != name:
        raise SettingError(f"expected {name!r} as the name of the format too; got {kind.name!r}")
    if not kind.suffixes or not all(re.fullmatch(r"\.[a-z0-9]+", suffix) for suffix in kind.suffixes):
        raise SettingError(f"expected suffixes such as .abc; got {kind.suffixes!r}")


def shape_fault(shape: Sequence[int], limits: ReadLimits) -> str:
    """Return what is wrong with the shape of a tensor that asks for more than a tensor may have; "" when nothing is."""
    if len(shape) > MAX_RANK:
        return f"expected at most {MAX_RANK} dimensions; got {len(shape)}"
    wrong = next((size for size in shape if not 0 <= size <= MAX_SIZE), None)
    if wrong is not None:
        return f"expected dimensions up to {MAX_SIZE}; got {wrong if abs(wrong) < 2**64 else 'a number of many digits'}"
    if prod(shape) > limits.max_elements:
        return f"expected at most {limits.max_elements} elements; got {prod(shape)}"
    return ""


def check_shape(name: str, shape: Sequence[int], limits: ReadLimits) -> None:
    """Raises: FileError when a tensor's shape asks for more than a tensor may have."""
    if fault := shape_fault(shape, limits):
        raise FileError(f"{clean_name(name)}: {fault}")


def check_count(what: str, count: int, most: int) -> None:
    """Raises: FileError when a file holds more than `most` of something."""
    if count > most:
        raise FileError(f"expected at most {most} {what} in one file; got {count}: split the file")


def check_total(entries: Sequence[ArchiveEntry], limits: ReadLimits) -> None:
    """Raises: FileError when the tensors together need more memory than one file may."""
    total = sum(entry.size * entry.dtype.itemsize for entry in entries)
    if total > limits.max_total_bytes:
        raise FileError(f"expected at most {limits.max_total_bytes} bytes of tensors; got {total}: split the file")


def read_array(path: Path, offset: int, dtype: np.dtype[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """Return the array that lies at `offset` in a file. Raises: FileError when the file ends before it does."""
    values = np.empty(prod(shape), dtype)
    left = values.view(np.uint8).data
    # Not numpy.fromfile, which opens a file twice: of a file of thousands of small layers that is a third of the time.
    with path.open("rb", buffering=0) as file:
        file.seek(offset)
        while left and (read := file.readinto(left)):
            left = left[read:]
    if left:
        got = values.size - -(-len(left) // dtype.itemsize)
        raise FileError(f"{path.name}: expected {values.size} numbers from byte {offset}; got {got}: it has changed")
    return values.astype(dtype.newbyteorder("="), copy=False).reshape(shape)
