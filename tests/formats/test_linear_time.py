"""Headers that would take a backtracking or quadratic parser for ever."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sparselab.core.errors import FileError
from sparselab.formats import read_ticket


def npy_with(header: bytes, path: Path) -> Path:
    path.write_bytes(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)
    return path


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "shape",
    [
        b"1" * 60 + b"x",
        b"1" * 20_000,
        b" " * 20_000,
        b"1 " * 20_000,
        b"1," * 20_000 + b"x",
        b"1L" * 9_000,
        b"," * 30_000,
    ],
    ids=["digits", "many digits", "spaces", "digits and spaces", "commas", "longs", "commas alone"],
)
def test_no_shape_takes_long(shape: bytes, tmp_path: Path) -> None:
    header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (" + shape + b"), }\n"
    with pytest.raises(FileError):
        read_ticket(npy_with(header[:65_000], tmp_path / "a.npy"))


@pytest.mark.parametrize("shape", ["(3, 4)", "(3,4)", "(3, 4, )", "( 3 , 4 )", "(3L, 4L)"])
def test_shapes_as_they_are_written(shape: str, tmp_path: Path) -> None:
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}".encode().ljust(117) + b"\n"
    path = npy_with(header, tmp_path / "a.npy")
    path.write_bytes(path.read_bytes() + (np.eye(3, 4, dtype="<f4") / 2).tobytes())
    assert read_ticket(path)["a"].mask.shape == (3, 4)
