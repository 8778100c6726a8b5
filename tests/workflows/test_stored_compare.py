"""What Compare shows is computed once: equal to what is computed anew, but for the seconds; nothing that a clock ended is kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sparselab.core.layout import Layout
from sparselab.formats import ReadOptions
from sparselab.runtime import results
from sparselab.transforms import Regroup
from sparselab.transforms.contender import Contender
from sparselab.workflows import stored_compare
from sparselab.workflows.compare import compare_row, curve_row
from sparselab.workflows.stored_compare import stored_compare_row, stored_curve_row, stored_masks

AT_BUDGET = asdict(Contender("regroup", "regroup", "regroup", {"rows_per_group": 8}))
OWN = asdict(Contender("24", "2:4", "n-m", at_budget=False))
DENSITIES = [0.1, 0.3]
KINDS: dict[str, tuple[Callable[..., Any], Callable[..., Any], tuple[Any, ...]]] = {
    "row": (compare_row, stored_compare_row, (AT_BUDGET,)),
    "own density": (compare_row, stored_compare_row, (OWN,)),
    "curve": (curve_row, stored_curve_row, (AT_BUDGET, DENSITIES)),
}


@pytest.fixture
def file(tmp_path: Path) -> str:
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "a.npz", **{"fc.weight": np.where(rng.random((48, 40)) < 0.3, rng.random((48, 40)), 0)})
    return str(tmp_path / "a.npz")


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> tuple[Callable[..., Any], Callable[..., Any], tuple[Any, ...]]:
    return KINDS[request.param]


def ask(kind: Any, file: str, store: Path, seed: int = 0) -> dict[str, Any]:
    _, stored, what = kind
    found: dict[str, Any] = stored(file, "fc.weight", *what, seed, ReadOptions(), str(store))
    return found


def files_of(store: Path) -> list[Path]:
    return sorted(store.glob("*")) if store.is_dir() else []


def lasting(row: dict[str, Any]) -> dict[str, Any]:
    plain = {name: value for name, value in row.items() if name not in ("report", "picture", "points", "masks")}
    plain["points"] = [list(point) for point in row.get("points", [])]
    return plain | {
        "report": {**row.get("report", {}), "seconds": {}},
        "picture": np.asarray(row.get("picture", 0)).tolist(),
    }


def test_what_is_stored_is_what_is_computed(
    kind: Any, file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compute, _, what = kind
    first = ask(kind, file, tmp_path / "store")
    with monkeypatch.context() as patch:
        patch.setattr(stored_compare, compute.__name__, None)  # it is not called again
        again = ask(kind, file, tmp_path / "store")
        if compute is compare_row:
            masks = stored_masks(file, "fc.weight", *what, 0, ReadOptions(), str(tmp_path / "store"))
    anew = compute(file, "fc.weight", *what, 0, ReadOptions())
    assert lasting(first) == lasting(again) == lasting(anew)
    if compute is compare_row:
        assert "masks" not in first
        assert all(np.array_equal(masks[side], anew["masks"][side]) for side in ("before", "after"))


def test_another_question_file_or_version_is_another_answer(
    kind: Any, file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tmp_path / "store"
    ask(kind, file, store)
    each = len(files_of(store))
    ask(kind, file, store, seed=1)
    np.savez(tmp_path / "a.npz", **{"fc.weight": np.eye(48, 40)})
    ask(kind, file, store)
    monkeypatch.setattr(results, "__version__", "0.0.0")
    ask(kind, file, store)
    assert len(files_of(store)) == 4 * each


def test_a_setting_left_out_is_one_at_its_default(file: str, tmp_path: Path) -> None:
    found = []
    for settings in ({}, {"rows_per_group": Regroup().rows_per_group}):
        told = asdict(Contender("regroup", "regroup", "regroup", settings))
        stored_compare_row(file, "fc.weight", told, 0, ReadOptions(), str(tmp_path / "store"))
        found.append(files_of(tmp_path / "store"))
    assert found[0] == found[1]


def test_what_a_clock_cut_short_is_not_kept(
    kind: Any, file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Layout, "is_cut_short", True)
    assert not ask(kind, file, tmp_path / "store")["repeatable"]
    assert files_of(tmp_path / "store") == []


def test_a_damaged_answer_is_computed_again(kind: Any, file: str, tmp_path: Path) -> None:
    store = tmp_path / "store"
    before = ask(kind, file, store)
    files = files_of(store)
    for path in files:
        path.write_bytes(path.read_bytes()[:-7])
    assert lasting(ask(kind, file, store)) == lasting(before)
    assert files_of(store) == files
