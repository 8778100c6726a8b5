"""Dense blocks of a layer in a .block file: a pickle of lists of whole numbers, (rows, columns) per block.

Source: what the code of Chen et al., Coarsening the Granularity: Towards Structurally Sparse Lottery Tickets (2022), writes.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sparselab.core.errors import FileError, SparselabError
from sparselab.core.inputs.arrays import MAX_SIZE
from sparselab.core.layout import Block, paint
from sparselab.core.mask import Mask
from sparselab.formats.base import check_count, check_shape
from sparselab.formats.names import clean_name
from sparselab.formats.options import DEFAULT_LIMITS, ReadLimits
from sparselab.formats.parsing.checkpoints.pickle_machine import DamagedPickle
from sparselab.formats.parsing.checkpoints.pickle_opcodes import read_pickle

_EXPECTED = "expected a list of blocks, each a pair of lists of whole numbers: its rows and its columns"


def parse_blocks(path: Path, limits: ReadLimits = DEFAULT_LIMITS) -> tuple[Block, ...]:
    """Return the blocks of a file, those without rows or without columns too, because their indices say the shape.

    Raises: FileError for a file that holds anything else, or no row or no column.
    """
    label, size = clean_name(path.name), path.stat().st_size
    if size > limits.max_pickle_bytes:
        raise FileError(f"{label}: expected at most {limits.max_pickle_bytes} bytes of blocks; got {size}")
    data = path.read_bytes()
    try:
        value, end, machine = read_pickle(data)
    except DamagedPickle:
        raise FileError(f"{label}: {_EXPECTED}; it is damaged or too long") from None
    if machine.globals or end != len(data) or not isinstance(value, list | tuple):
        raise FileError(f"{label}: {_EXPECTED}; got something else")
    check_count("blocks", len(value), limits.max_tensors)
    blocks = tuple(_block(pair, label) for pair in value)
    if 0 in shape_of(blocks):
        raise FileError(f"{label}: {_EXPECTED}, with at least one row and one column; got {len(blocks)} without")
    return blocks


def _block(pair: Any, label: str) -> Block:
    if not isinstance(pair, list | tuple) or len(pair) != 2:
        raise FileError(f"{label}: {_EXPECTED}; got something else")
    return Block(*(_indices(part, label) for part in pair))


def _indices(part: Any, label: str) -> np.ndarray[Any, np.dtype[np.int64]]:
    if not isinstance(part, list | tuple) or not all(type(index) is int and 0 <= index < MAX_SIZE for index in part):
        raise FileError(f"{label}: {_EXPECTED}; got something else than indices from 0 to {MAX_SIZE - 1}")
    return np.array(part, dtype=np.int64)


def shape_of(blocks: Sequence[Block]) -> tuple[int, int]:
    """Return the smallest shape that holds all blocks: the largest row and column, and one more.

    Example: >>> shape_of([Block(np.array([0, 2]), np.array([4]))])
             (3, 5)
    """
    rows = max((int(block.rows.max(initial=-1)) for block in blocks), default=-1)
    cols = max((int(block.cols.max(initial=-1)) for block in blocks), default=-1)
    return rows + 1, cols + 1


def union_of(blocks: Sequence[Block], shape: tuple[int, int], label: str, limits: ReadLimits) -> Mask:
    """Return the union of blocks as a mask.

    Raises: FileError when a block reaches outside the shape, has an index twice or shares a weight with another.
    """
    check_shape(label, shape, limits)
    # Blocks that share weights may each cover the layer: their areas are added up before any is painted.
    if (area := sum(block.area for block in blocks)) > shape[0] * shape[1]:
        raise FileError(f"{label}: expected blocks that share no weight of {shape[0]}x{shape[1]}; got {area} weights")
    try:
        return paint(blocks, shape)
    except SparselabError as error:
        raise FileError(f"{label}: {error}") from None


def describe_blocks(blocks: Sequence[Block]) -> str:
    """Return how many groups of rows there are, how many rows a group has, and how many blocks cover them.

    Example: >>> describe_blocks([Block(np.array([0, 1]), np.array([4])), Block(np.array([2, 3]), np.array([0]))])
             '2 groups of 2 rows, 2 blocks'
    """
    covering = [block for block in blocks if block.area]
    groups = {block.rows.tobytes(): block.rows.size for block in covering}
    sizes = sorted(set(groups.values())) or [0]
    rows = f"{sizes[0]}" if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]}"
    return f"{len(groups)} groups of {rows} rows, {len(covering)} blocks"
