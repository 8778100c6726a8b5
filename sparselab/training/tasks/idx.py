"""IDX, the format of MNIST's files: two zeros, the kind of number, how many sizes; the sizes; then plain bytes.

Source: LeCun, Cortes & Burges, THE MNIST DATABASE, File formats. Kind 8 is uint8; sizes are big-endian, four bytes each.
"""

from __future__ import annotations

import gzip
import os
import stat
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from sparselab.core.errors import FileError

_UINT8 = 8
_MOST = 1_000_000  # images; MNIST has 60,000
_LARGEST_RATIO = 1032  # of deflate


def read_images(root: Path, name: str, side: int) -> NDArray[np.uint8]:
    """Return the square images of the file called `name`, or `name`.gz, in the folder `root`: N x 1 x side x side.

    Raises: FileError for a file that is missing or not what its header says, before anything of its size is allocated.
    """
    return _read(root, name, (side, side)).reshape(-1, 1, side, side)


def read_labels(root: Path, name: str, count: int, classes: int) -> NDArray[np.int64]:
    """Return the labels of `count` images, from 0 to `classes` - 1. Raises: FileError as `read_images`, and for other labels."""
    labels = _read(root, name, ())
    if len(labels) != count:
        raise FileError(f"{name}: expected {count:,} labels, one an image; got {len(labels):,}")
    if int(labels.max()) >= classes:
        raise FileError(
            f"{name}: expected labels from 0 to {classes - 1}; got {int(labels.max())} in place {int(labels.argmax())}"
        )
    return labels.astype(np.int64)


def _read(root: Path, name: str, sizes: tuple[int, ...]) -> NDArray[np.uint8]:
    path = _path(root, name)
    packed = path.suffix == ".gz"
    with _opened(path, packed) as (file, there):
        head = file.read(4 + 4 * (1 + len(sizes)))
        kind = bytes([0, 0, _UINT8, 1 + len(sizes)])
        if len(head) != 4 + 4 * (1 + len(sizes)) or head[:4] != kind:
            raise FileError(
                f"{path}: expected an IDX file that begins with {kind.hex()}; got {head[:4].hex() or 'nothing'}"
            )
        count, *rest = struct.unpack(f">{1 + len(sizes)}I", head[4:])
        if tuple(rest) != sizes or not 1 <= count <= _MOST:
            raise FileError(
                f"{path}: expected 1 to {_MOST:,} entries of size {_sizes(sizes)}; its header says {count:,} of {_sizes(rest)}"
            )
        size = count * prod(sizes)
        if (size > _LARGEST_RATIO * there) if packed else (len(head) + size != there):
            raise FileError(
                f"{path}: expected {size:,} bytes after its header, as that says; the file has {there:,} in all"
            )
        body = file.read(size + 1)
    if len(body) != size:
        raise FileError(
            f"{path}: expected {size:,} bytes after its header, as that says; got "
            f"{'more' if len(body) > size else f'{len(body):,}'}: download it again"
        )
    return np.frombuffer(bytearray(body), np.uint8)


def _path(root: Path, name: str) -> Path:
    for path in (root / name, root / f"{name}.gz"):
        if path.exists():
            return path
    raise FileError(f"expected {root / name}, or the same with .gz; there is no such file: download it first")


@contextmanager
def _opened(path: Path, packed: bool) -> Iterator[tuple[BinaryIO, int]]:
    """Yield the unpacked bytes of a regular file, and its length on the disk."""
    try:
        info = os.stat(path)
        if not stat.S_ISREG(info.st_mode):
            raise FileError(f"{path}: expected a file; got something else")
        with path.open("rb") as plain:
            if not packed:
                yield plain, info.st_size
                return
            with gzip.open(plain) as unpacked:
                yield unpacked, info.st_size  # type: ignore[misc]
    except (OSError, EOFError, zlib.error) as error:
        raise FileError(f"{path}: cannot be read ({error})") from None


def _sizes(sizes: tuple[int, ...] | list[int]) -> str:
    return " x ".join(map(str, sizes)) or "1"
