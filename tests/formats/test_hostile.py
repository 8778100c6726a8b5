"""Damaged and malicious files: each gives one sentence, and nothing in them runs."""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sparselab.core.errors import FileError, SparselabError
from sparselab.formats import FORMATS, describe, read_ticket
from tests.formats.good_files import good_file
from tests.formats.hostile_files import HOSTILE, WEIGHT
from tests.formats.libraries.hostile_sparse import SPARSE
from tests.formats.models.hostile_model_folders import HOSTILE_MODEL_FOLDERS

CASES = HOSTILE | SPARSE | HOSTILE_MODEL_FOLDERS


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One good file of each format."""
    folder = tmp_path_factory.mktemp("whole")
    return {form: good_file(form, WEIGHT, folder) for form in FORMATS}


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Each hostile file, made once, in a folder of its own."""
    return functools.cache(lambda case: CASES[case][0](tmp_path_factory.mktemp("hostile")))


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_has_hostile_files(form: str, hostile: Callable[[str], Path]) -> None:
    suffixes = [hostile(case).suffix.lower() for case in CASES]
    assert sum(suffix in FORMATS[form].suffixes for suffix in suffixes) >= 10


@pytest.mark.parametrize("form", sorted({case.split()[0] for case in SPARSE | HOSTILE_MODEL_FOLDERS}))
def test_formats_of_others_have_ten_hostile_files_by_name(form: str) -> None:
    assert form in FORMATS
    assert sum(case.split()[0] == form for case in CASES) >= 10


@pytest.mark.parametrize("case", CASES)
def test_each_is_refused_in_one_sentence(case: str, hostile: Callable[[str], Path]) -> None:
    path = hostile(case)
    with pytest.raises(FileError, match=CASES[case][1]) as caught:
        describe(read_ticket(path))
    text = str(caught.value)
    assert "expected" in text
    assert text.isprintable()
    assert len(text) < 600
    assert str(path.parent) not in text
    assert not (path.parent / "executed").exists()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.pt")
    with pytest.raises(FileError, match="a folder or a device"):
        read_ticket(tmp_path / "pipe.pt")


@pytest.mark.parametrize("form", FORMATS)
def test_cut_files(form: str, whole: dict[str, Path]) -> None:
    content = whole[form].read_bytes()
    path = whole[form].with_name(f"cut{whole[form].suffix}")  # beside the files that it may name
    path.write_bytes(content)
    assert describe(read_ticket(path))["layers"]
    # A text may lose only white space by its last byte.
    last = len(content.rstrip(b" \n")) - 1
    for cut in {0, 1, 7, 9, 20, len(content) // 3, len(content) // 2, last - 20, last}:
        path.write_bytes(content[: max(0, cut)])
        with pytest.raises(FileError, match="expected"):
            describe(read_ticket(path))


@pytest.mark.parametrize("form", FORMATS)
@settings(max_examples=40)
@given(data=st.data())
def test_changed_bytes_are_read_or_refused(form: str, data: st.DataObject, whole: dict[str, Path]) -> None:
    content = bytearray(whole[form].read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = whole[form].with_name(f"changed{whole[form].suffix}")
    path.write_bytes(content)
    with contextlib.suppress(SparselabError):
        assert all(0 <= layer["density"] <= 1 for layer in describe(read_ticket(path))["layers"])


def test_a_file_that_shrinks_after_it_was_opened(whole: dict[str, Path], tmp_path: Path) -> None:
    path = tmp_path / "shrinks.safetensors"
    path.write_bytes(whole["safetensors"].read_bytes())
    ticket = read_ticket(path)
    path.write_bytes(whole["safetensors"].read_bytes()[:-40])
    with pytest.raises(FileError, match="it has changed"):
        list(ticket)


def test_a_file_that_vanishes_after_it_was_opened(whole: dict[str, Path], tmp_path: Path) -> None:
    path = tmp_path / "vanishes.npz"
    path.write_bytes(whole["npz"].read_bytes())
    ticket = read_ticket(path)
    path.unlink()
    with pytest.raises(FileError, match="No such file"):
        list(ticket)


def test_booleans_of_any_byte_are_kept(tmp_path: Path) -> None:
    mask = np.array([[1, 0, 2], [0, 255, 0]], np.uint8)
    np.save(tmp_path / "odd.npy", mask.view(np.bool_))
    layer = next(iter(read_ticket(tmp_path / "odd.npy")))
    assert np.array_equal(layer.mask.kept, mask != 0)
    assert layer.mask.kept.view(np.uint8).max() == 1
