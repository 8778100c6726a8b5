"""Sparse patterns: real ones, and every way to write white space."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sparselab.formats import ReadOptions, describe, read_ticket

PATTERN = np.array([[0, 1, 0, 1, 0, 0], [0, 0, 0, 0, 0, 0], [1, 0, 1, 0, 0, 1]], bool)


@pytest.mark.parametrize(
    "content",
    [
        b"3, 6, 5\n0 2 2 5 \n1 3 0 2 5 \n",
        b"3, 6, 5\r\n0 2 2 5 \r\n1 3 0 2 5 \r\n",
        b"3,6,5\n0\t2\n2\t5\n1 3 0\n2 5",
        b" 3 , 6 , 5 \n\n 0  2 2 5\f1\v3 0 2 5\n\n",
    ],
)
def test_white_space(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "layer.smtx").write_bytes(content)
    (layer,) = read_ticket(tmp_path / "layer.smtx")
    assert layer.name == "layer"
    assert layer.weight is None
    assert np.array_equal(layer.mask.kept, PATTERN)


def test_nothing_kept_and_everything(tmp_path: Path) -> None:
    (tmp_path / "none.smtx").write_bytes(b"2, 3, 0\n0 0 0 \n\n")
    (tmp_path / "all.smtx").write_bytes(b"1, 2, 2\n0 2\n0 1\n")
    assert next(iter(read_ticket(tmp_path / "none.smtx"))).mask.count == 0
    assert next(iter(read_ticket(tmp_path / "all.smtx"))).mask.density == 1


def test_known_by_its_content(tmp_path: Path) -> None:
    (tmp_path / "layer.txt").write_bytes(b"3, 6, 5\n0 2 2 5 \n1 3 0 2 5 \n")
    assert describe(read_ticket(tmp_path / "layer.txt"))["format"] == "smtx"


@pytest.mark.parametrize("name", ["rn50-mag-0.9-g3_2", "rn50-mag-0.9-initial_conv", "tr-mag-0.9-l2v"])
def test_real_layers(name: str, dlmc: Path) -> None:
    path = dlmc / f"{name}.smtx"
    rows, cols, nnz = (int(part) for part in path.read_text().split("\n")[0].split(","))
    card = describe(read_ticket(path))["layers"][0]
    assert card["name"] == name
    assert card["shape"] == [rows, cols]
    assert card["count"] == nnz


def test_the_order_of_a_real_convolution(dlmc: Path) -> None:
    path = dlmc / "rn50-mag-0.9-g3_2.smtx"
    plain = next(iter(read_ticket(path)))
    ordered = next(iter(read_ticket(path, ReadOptions("kh-kw-cin", (3, 3)))))
    assert ordered.tensor_shape == (256, 256, 3, 3)
    assert np.array_equal(
        ordered.mask.kept.reshape(256, 256, 3, 3), plain.mask.kept.reshape(256, 3, 3, 256).transpose(0, 3, 1, 2)
    )
