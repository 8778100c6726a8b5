"""Comma separated values, and files that are whole or not there."""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparselab.core.atomic_files import atomic_path
from sparselab.core.csv_text import cell, read_rows, rows_csv, table
from sparselab.core.layout import Block, Layout
from sparselab.core.mask import Mask
from sparselab.core.permutation import Permutation
from sparselab.formats import blocks_csv, permutation_csv


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


@given(st.lists(st.tuples(*(2 * [st.text("'=+-@\t\r\n\",a1", max_size=5)])), max_size=4))
def test_rows_come_back_and_no_cell_is_a_formula(cells: list[tuple[str, str]]) -> None:
    rows = [dict(zip(("a", "b"), line, strict=True)) for line in cells]
    text = rows_csv(("a", "b"), rows)
    assert read_rows(text) == rows
    assert not any(
        raw.startswith(("=", "+", "-", "@", "\t", "\r")) for line in csv.reader(io.StringIO(text)) for raw in line
    )


@given(st.floats(allow_nan=False) | st.integers())
def test_numbers_stay_numbers(number: float) -> None:
    (row,) = read_rows(rows_csv(("n",), [{"n": number}]))
    assert type(number)(row["n"]) == number


def test_a_row_has_the_columns_and_no_more() -> None:
    assert read_rows(rows_csv(("a", "b"), [{"b": 1}, {"a": None, "b": -0.5}])) == [
        {"a": "", "b": "1"},
        {"a": "", "b": "-0.5"},
    ]
    with pytest.raises(ValueError, match="expected the columns a; got b as well"):
        rows_csv(("a",), [{"a": 1, "b": 2}])
    for broken in ("a,b\n1\n", "a\n1,2\n"):
        with pytest.raises(ValueError, match="argument 2"):
            read_rows(broken)


def test_one_module_writes_comma_separated_values() -> None:
    """So that no table goes out without the guard against formulas."""
    root = Path(__file__).resolve().parents[2]
    files = [path for room in ("sparselab", "benchmarks", "pages") for path in (root / room).rglob("*.py")]
    writing = [
        path for path in files for name in ("csv.writer", "DictWriter", "to_csv") if name in path.read_text("utf-8")
    ]
    assert len(files) > 100
    assert not writing


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
