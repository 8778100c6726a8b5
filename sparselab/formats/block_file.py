"""The layout that somebody else chose for a layer, from a .block file."""

from __future__ import annotations

from pathlib import Path

from sparselab.core.errors import FileError
from sparselab.core.layout import Layout
from sparselab.core.mask import Mask
from sparselab.formats.names import clean_name
from sparselab.formats.options import DEFAULT_LIMITS
from sparselab.formats.parsing.blocks import parse_blocks, shape_of, union_of
from sparselab.formats.reading import readable


def read_blocks(path: str | Path, shape: tuple[int, int] | None = None, before: Mask | None = None) -> Layout:
    """Return the dense blocks of a .block file as a layout of a layer.

    The file is a pickle of nothing but lists of whole numbers, (rows, columns) per block, and is never unpickled. `shape` is that
    of the layer; without it, the largest row and column say it. `before` is the layer's mask, of which the layout is made; without
    it, the union of the blocks, so that nothing is dropped and nothing filled in.

    Raises: FileError for a file that holds anything else, and for blocks that share a weight or do not fit the shape.
    Example: >>> import pickle, tempfile
             >>> file = Path(tempfile.mkdtemp()) / "layer.block"
             >>> _ = file.write_bytes(pickle.dumps([([0, 2], [1, 3])]))
             >>> read_blocks(file, (4, 4)).after.count
             4
    """
    path = Path(path)
    label = clean_name(path.name)
    blocks = readable(path, lambda: parse_blocks(path))
    if before is not None and shape is not None and before.shape != shape:
        raise FileError(f"{label}: expected a mask of shape {shape}; got {before.shape}")
    found = before.shape if before is not None else shape or shape_of(blocks)
    union = union_of(blocks, found, label, DEFAULT_LIMITS)
    return Layout.from_blocks(union if before is None else before, blocks, reason="the file holds no block")
