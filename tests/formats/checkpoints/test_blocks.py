"""Blocks that somebody else chose: layouts from .block files, on their own and beside ours."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparselab.core.errors import FileError
from sparselab.core.mask import Mask
from sparselab.formats import read_blocks, read_ticket

CASES = Path(__file__).resolve().parents[4] / "shared" / "cases" / "files"
AUTHORS = sorted(CASES.glob("*.block"))


def write(path: Path, blocks: Any, protocol: int = 2) -> Path:
    path.write_bytes(pickle.dumps(blocks, protocol))
    return path


@given(
    groups=st.lists(st.sets(st.integers(0, 30), min_size=1, max_size=8), min_size=1, max_size=4),
    protocol=st.integers(0, 5),
)
def test_the_layout_is_the_blocks_of_the_file(
    groups: list[set[int]], protocol: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    blocks = [([4 * index + part for part in range(4)], list(cols)) for index, cols in enumerate(groups)]
    path = write(tmp_path_factory.getbasetemp() / "some.block", blocks, protocol)
    layout = read_blocks(path)
    assert layout.before == layout.after
    assert layout.after.shape == (4 * len(groups), 1 + max(map(max, groups)))
    assert [(block.rows.tolist(), block.cols.tolist()) for block in layout.blocks] == blocks
    assert layout.after.count == sum(4 * len(cols) for cols in groups)
    (layer,) = read_ticket(path)
    assert layer.mask == layout.after
    assert layer.weight is None


def test_a_layout_of_a_layer_drops_and_fills_in(tmp_path: Path) -> None:
    path = write(tmp_path / "a.block", [([0, 1], [0, 1])])
    layout = read_blocks(path, before=Mask(np.eye(3, dtype=bool)))
    assert (layout.covered.count, layout.dropped.count, layout.fill_in.count) == (2, 1, 2)
    assert read_blocks(path, (5, 6)).after.shape == (5, 6)
    for shape in ((1, 2), (2, 1)):
        with pytest.raises(FileError, match=r"a\.block: expected block"):
            read_blocks(path, shape)
    with pytest.raises(FileError, match="mask of shape"):
        read_blocks(path, (2, 2), Mask(np.eye(3, dtype=bool)))
    with pytest.raises(FileError, match="No such file"):
        read_blocks(tmp_path / "absent.block")


@pytest.mark.skipif(not AUTHORS, reason="the authors' files are not here")
@pytest.mark.parametrize("path", AUTHORS, ids=lambda path: path.name)
def test_the_authors_files_have_eight_groups_of_32_rows(path: Path) -> None:
    layout = read_blocks(path)
    assert [block.rows.size for block in layout.blocks] == [32] * 8
    assert layout.after.shape == (256, 2304)
