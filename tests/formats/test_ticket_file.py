"""sparselab's own files are checked like everybody's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from sparselab.core.errors import FileError
from sparselab.core.layer import Layer
from sparselab.core.mask import Mask
from sparselab.core.ticket import ticket_of
from sparselab.formats import read_ticket
from sparselab.formats.ticket_file import write_own

MASK = np.array([[True, False, True], [False, False, True]])
ITEM = {"name": "a", "shape": [2, 3], "kernel_shape": None, "stride": 1, "padding": 0, "conversion": ""}


def write(folder: Path, items: Any, version: str = "1", **arrays: np.ndarray) -> Path:
    parts = {"a.mask_bits": np.packbits(MASK, axis=1)} | arrays
    text = items if isinstance(items, str) else json.dumps(items)
    save_file(parts, folder / "own.safetensors", metadata={"sparselab": version, "layers": text})
    return folder / "own.safetensors"


def test_by_hand(tmp_path: Path) -> None:
    weight = np.arange(6, dtype=np.float16).reshape(2, 3)
    ticket = read_ticket(write(tmp_path, [ITEM], **{"a.weight": weight, "b": weight}))
    layer = ticket["a"]
    assert np.array_equal(layer.mask.kept, MASK)
    assert np.array_equal(layer.weight, weight * MASK)
    assert [item.name for item in ticket.skipped] == ["b"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"name": "../a"}, "it is damaged"),
        ({"name": 3}, "it is damaged"),
        ({"shape": [2, 30]}, r"a.mask_bits: expected shape \(2, 4\)"),
        ({"shape": [2]}, "it is damaged"),
        ({"shape": [2**20, 2**20]}, "a matrix that its kernel divides"),
        ({"kernel_shape": [2]}, "a matrix that its kernel divides"),
        ({"kernel_shape": [0]}, "it is damaged"),
        ({"padding": "1"}, "it is damaged"),
        ({"groups": 0}, "it is damaged"),
        ({"groups": "2"}, "it is damaged"),
        ({"groups": 3}, "expected rows that its 3 groups divide"),
        ({"padding": -1}, "it is damaged"),
        ({"extra": 1}, "it is damaged"),
        ({"conversion": "x" * 1001}, "it is damaged"),
        ({"name": "b"}, "expected b.mask_bits"),
    ],
)
def test_metadata_that_does_not_fit(change: dict[str, Any], says: str, tmp_path: Path) -> None:
    with pytest.raises(FileError, match=says):
        read_ticket(write(tmp_path, [ITEM | change]))


def test_groups_of_a_convolution_come_back_and_are_left_out_where_there_are_none(tmp_path: Path) -> None:
    for groups in (1, 2):
        layer = Layer("a", Mask(MASK), groups=groups)
        write_own(ticket_of([layer]), tmp_path / "own.safetensors")
        assert read_ticket(tmp_path / "own.safetensors")["a"].groups == groups
        assert (b"groups" in (tmp_path / "own.safetensors").read_bytes()) == (groups > 1)


def test_damaged_lists(tmp_path: Path) -> None:
    for items in ("", "[", "[]", "{}", "[1]", "[" * 10**5):
        with pytest.raises(FileError, match="it is damaged"):
            read_ticket(write(tmp_path, items))
    with pytest.raises(FileError, match=r"expected a\.mask_bits in the file"):
        read_ticket(write(tmp_path, [ITEM, ITEM]))
    with pytest.raises(FileError, match="of version 1; got 2"):
        read_ticket(write(tmp_path, [ITEM], version="2"))


def test_weights_are_checked(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"a.weight: expected shape"):
        read_ticket(write(tmp_path, [ITEM], **{"a.weight": np.ones((3, 2), np.float32)}))
    ticket = read_ticket(write(tmp_path, [ITEM], **{"a.rewound": np.full((2, 3), np.inf, np.float32)}))
    with pytest.raises(FileError, match="a: expected finite weights"):
        ticket["a"]
