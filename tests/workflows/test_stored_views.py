"""A view is computed once: equal to what is computed anew, but for the seconds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sparselab.core.layout import Layout
from sparselab.formats import ReadOptions
from sparselab.workflows import stored_views
from sparselab.workflows.explore import View, explore
from sparselab.workflows.stored_views import stored_explore
from sparselab.workflows.tasks import without_seconds

QUESTION: tuple[Any, ...] = ("fc.weight", "regroup", {"rows_per_group": 8}, 0, ReadOptions())


@pytest.fixture
def file(tmp_path: Path) -> str:
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "a.npz", **{"fc.weight": np.where(rng.random((48, 40)) < 0.3, rng.random((48, 40)), 0)})
    return str(tmp_path / "a.npz")


def files_of(store: Path) -> list[Path]:
    return sorted(store.glob("*")) if store.is_dir() else []


def test_what_is_stored_is_what_is_computed(file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = tmp_path / "store"
    first = stored_explore(file, *QUESTION, str(store))
    monkeypatch.setattr(stored_views, "explore", None)  # it is not called again
    again = stored_explore(file, *QUESTION, str(store))
    anew = explore(file, *QUESTION)
    assert View.unpack(again).layout.after == View.unpack(anew).layout.after == View.unpack(first).layout.after
    assert without_seconds(again)["report"] == without_seconds(anew)["report"]
    assert np.array_equal(again["similarity_after"], anew["similarity_after"])


def test_another_question_or_file_is_another_answer(file: str, tmp_path: Path) -> None:
    store = tmp_path / "store"
    stored_explore(file, *QUESTION, str(store))
    each = len(files_of(store))
    stored_explore(file, "fc.weight", "regroup", {"rows_per_group": 4}, 0, ReadOptions(), str(store))
    stored_explore(file, "fc.weight", "regroup", {"rows_per_group": 8}, 1, ReadOptions(), str(store))
    np.savez(tmp_path / "a.npz", **{"fc.weight": np.eye(48, 40)})
    stored_explore(file, *QUESTION, str(store))
    assert len(files_of(store)) == 4 * each


def test_a_damaged_answer_is_computed_again(file: str, tmp_path: Path) -> None:
    store = tmp_path / "store"
    stored_explore(file, *QUESTION, str(store))
    files = files_of(store)
    for path in files:
        path.write_bytes(path.read_bytes()[:-7])
    assert View.unpack(stored_explore(file, *QUESTION, str(store))).layout.blocks
    assert files_of(store) == files


def test_what_a_clock_cut_short_is_not_kept(file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Layout, "is_cut_short", True)
    stored_explore(file, *QUESTION, str(tmp_path / "store"))
    assert files_of(tmp_path / "store") == []
