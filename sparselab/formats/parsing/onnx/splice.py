"""A file of protocol buffers copied with some of its bytes replaced, and the lengths of the messages around them corrected."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import BinaryIO, NamedTuple

from sparselab.core.errors import FileError
from sparselab.formats.names import clean_name
from sparselab.formats.parsing.onnx.wire import Field, varint

_COPY_BYTES = 2**20


class Edit(NamedTuple):
    """`size` bytes, made when they are written, in place of those between two places; `parents` are the messages around, outermost first."""

    start: int
    end: int
    size: int
    make: Callable[[], bytes]
    parents: tuple[Field, ...]


def splice(source: Path, edits: Iterable[Edit], out: Path) -> None:
    """Copy a file with edits that do not overlap. Raises: FileError when the file has become shorter."""
    edits = list(edits)
    ordered = sorted([*edits, *_lengths(edits)], key=lambda edit: (edit.start, edit.end))
    with source.open("rb") as read, out.open("wb") as written:
        at = 0
        for edit in ordered:
            _copy(read, written, edit.start - at, source)
            content = edit.make()
            assert len(content) == edit.size
            written.write(content)
            read.seek(edit.end)
            at = edit.end
        shutil.copyfileobj(read, written, _COPY_BYTES)


def _lengths(edits: Iterable[Edit]) -> list[Edit]:
    """The lengths of messages that grow or shrink, innermost first, since a length may itself take more bytes."""
    growth: dict[Field, int] = {}
    above: dict[Field, tuple[Field, ...]] = {}
    for edit in edits:
        for depth, parent in enumerate(edit.parents):
            above[parent] = edit.parents[:depth]
        if edit.parents:
            inner = edit.parents[-1]
            growth[inner] = growth.get(inner, 0) + edit.size - (edit.end - edit.start)
    lengths = []
    for parent in sorted(above, key=lambda field: field.begin, reverse=True):
        grown = growth.get(parent, 0)
        if not grown:
            continue
        content = varint(parent.size + grown)
        lengths.append(Edit(parent.length_at, parent.start, len(content), partial(bytes, content), ()))
        grown += len(content) - (parent.start - parent.length_at)
        if above[parent]:
            outer = above[parent][-1]
            growth[outer] = growth.get(outer, 0) + grown
    return lengths


def _copy(read: BinaryIO, written: BinaryIO, count: int, source: Path) -> None:
    while count:
        content = read.read(min(count, _COPY_BYTES))
        if not content:
            raise FileError(f"{clean_name(source.name)}: expected the file as it was; it has become shorter")
        written.write(content)
        count -= len(content)
