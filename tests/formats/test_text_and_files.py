"""Comma separated values, and files that are whole or not there."""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path

import numpy as np
import pytest

from sparselab.atomic_files import atomic_path
from sparselab.formats import blocks_csv, permutation_csv
from sparselab.formats.csv_text import cell, table
from sparselab.layout import Block, Layout
from sparselab.mask import Mask
from sparselab.permutation import Permutation


def test_blocks() -> None:
    mask = Mask(np.ones((4, 6), bool))
    layout = Layout.from_blocks(mask, [Block([0, 2], [1, 3, 5]), Block([1], [0])], reason="")
    assert blocks_csv(layout) == "index,height,width,area,rows,cols\n0,2,3,6,0 2,1 3 5\n1,1,1,1,1,0\n"
    assert blocks_csv(Layout.unchanged(mask, "none")) == "index,height,width,area,rows,cols\n"


def test_permutations() -> None:
    assert permutation_csv(Permutation([2, 0, 1])) == "place,original\n0,2\n1,0\n2,1\n"


@pytest.mark.parametrize("text", ["=cmd()", "+1", "-1", "@sum", "\tx", "\rx"])
def test_formulas_are_disarmed(text: str) -> None:
    assert cell(text).strip('"') == "'" + text


def test_cells_come_back() -> None:
    lines = [["a,b", 'say "x"', "two\nlines"], ["plain", "-", "1"]]
    read = list(csv.reader(io.StringIO(table(lines))))
    assert read == [["a,b", 'say "x"', "two\nlines"], ["plain", "'-", "1"]]
    assert cell(-1) == "-1"


def test_a_file_is_whole_or_not_there(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    with atomic_path(target) as temporary:
        temporary.write_text("first")
        assert not target.exists()
    assert target.read_text() == "first"

    def fail() -> None:
        with atomic_path(target) as temporary:
            temporary.write_text("half")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert target.read_text() == "first"
    assert os.listdir(tmp_path) == ["a.txt"]
