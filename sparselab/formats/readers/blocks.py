"""The dense blocks of one layer (.block): read on its own, the file is the mask that is their union."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sparselab.formats.base import Archive, ArchiveEntry, Format, Head
from sparselab.formats.names import clean_name
from sparselab.formats.options import ReadLimits
from sparselab.formats.parsing.blocks import describe_blocks, parse_blocks, shape_of, union_of


def open_blocks(path: Path, limits: ReadLimits) -> Archive:
    """Return the union of the blocks as one mask, named after the file and as large as the largest indices say.

    Raises: FileError for anything but blocks that share no weight.
    """
    label = clean_name(path.name)
    blocks = parse_blocks(path, limits)
    shape = shape_of(blocks)
    mask = union_of(blocks, shape, label, limits)
    note = f"{describe_blocks(blocks)}; the shape {shape[0]}x{shape[1]} is that of the largest indices"
    entry = ArchiveEntry(name=path.stem, shape=shape, dtype=np.dtype(bool), load=lambda: mask.kept, role="mask")
    return Archive((entry,), notes=(note,), has_names=False)


def _recognises(head: Head) -> bool:
    return head.suffix == ".block" and head.members is None


FORMAT = Format(
    name="blocks",
    title="a file of dense blocks",
    suffixes=(".block",),
    recognises=_recognises,
    open=open_blocks,
    parsed_by="python",
    has_shapes=True,
)
