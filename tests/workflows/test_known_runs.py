"""No work is done twice: what a page answered a sweep does not compute again, nor another page, and the other way round."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sparselab.core.layout import Layout
from sparselab.formats import ReadOptions, read_ticket
from sparselab.runtime.results import ResultStore
from sparselab.transforms import TRANSFORMS
from sparselab.transforms.contender import Contender
from sparselab.workflows.compare import run_contender
from sparselab.workflows.stored_compare import stored_compare_row, stored_curve_row
from sparselab.workflows.stored_rows import resumed_transform, stored_model_rows
from sparselab.workflows.stored_views import stored_explore
from sparselab.workflows.sweeps.folder import SweepFolder
from sparselab.workflows.sweeps.outline import Outline, files_at, plan_of
from sparselab.workflows.sweeps.running import run_sweep
from tests.workflows.sweeps.small import inline, results_of

SETTINGS = {"rows_per_group": 8, "density": 0.2}
REGROUP = asdict(Contender("regroup", "regroup", "regroup", SETTINGS))
BOUNDED = {**REGROUP, "settings": {**SETTINGS, "refine_seconds": 7.0}}
"""The same run: a bound on seconds that ends nothing."""

NAME, SEED, OPTIONS = "fc", 3, ReadOptions()
Ask = Callable[[Path, str], Any]


def swept(path: Path, store: str) -> None:
    values = {"regroup": {name: (value,) for name, value in SETTINGS.items()}}
    plan = plan_of(Outline(files_at(path, OPTIONS), values, seeds=(SEED,)), read_ticket, print)
    out = SweepFolder(path.parent / f"sweep-{len(list(path.parent.iterdir()))}")
    assert run_sweep(plan, out, inline, store=ResultStore(Path(store))).failed == 0


def transformed(path: Path, store: str) -> None:
    run, source = TRANSFORMS["regroup"](**SETTINGS), (str(path), read_ticket(path), OPTIONS)
    list(resumed_transform("regroup", run, source, [NAME], seed=SEED, store=ResultStore(Path(store))))


ASKING: dict[str, Ask] = {
    "sweep": swept,
    "compare": lambda path, store: stored_compare_row(str(path), NAME, BOUNDED, SEED, OPTIONS, store),
    "curve": lambda path, store: stored_curve_row(str(path), NAME, BOUNDED, [0.2], SEED, OPTIONS, store),
    "model": lambda path, store: stored_model_rows(str(path), (NAME,), [REGROUP], SEED, OPTIONS, store),
    "best of two": lambda path, store: stored_model_rows(str(path), (NAME,), [REGROUP, BOUNDED], SEED, OPTIONS, store),
    "transform": transformed,
    "explore": lambda path, store: stored_explore(str(path), NAME, "regroup", SETTINGS, SEED, OPTIONS, store),
}


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The runs of the transform that is asked for; random groups beside it are none of them."""
    found: list[Any] = []
    kind = TRANSFORMS["regroup"]
    before = kind._run

    def noted(self: Any, *told: Any, **more: Any) -> Layout:
        if self.grouper != "random":
            found.append(self)
        return before(self, *told, **more)

    monkeypatch.setattr(kind, "_run", noted)
    return found


def write(path: Path) -> Path:
    rng = np.random.default_rng(0)
    kept = rng.random((48, 40)) < 0.3
    np.savez(path, **{NAME: np.where(kept, rng.standard_normal(kept.shape), 0).astype(np.float32)})
    return path


@pytest.mark.parametrize("first", ASKING)
def test_what_was_answered_anywhere_is_computed_nowhere_else(first: str, tmp_path: Path, runs: list[Any]) -> None:
    path, store = write(tmp_path / "net.npz"), str(tmp_path / "store")
    ASKING[first](path, store)
    assert len(runs) == 1
    for ask in ASKING.values():
        ask(path, store)
    assert len(runs) == 1


def test_what_is_found_is_what_is_computed(tmp_path: Path) -> None:
    path, store = write(tmp_path / "net.npz"), str(tmp_path / "store")
    ASKING["compare"](path, store)
    (found,) = stored_model_rows(str(path), (NAME,), [REGROUP], SEED, OPTIONS, store)
    layout, numbers = run_contender(read_ticket(path)[NAME], Contender(**REGROUP), seed=SEED)
    assert {**found["report"], "seconds": {}} == {**numbers.as_json(), "seconds": {}}
    assert Layout.unpack(found["layout"]).after == layout.after
    swept(path, store)
    swept(path, str(tmp_path / "other"))
    one, other = (results_of(folder) for folder in sorted(tmp_path.glob("sweep-*")))
    assert one == other


def test_another_layer_and_what_a_clock_ended_are_not_found(
    tmp_path: Path, runs: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, store = write(tmp_path / "net.npz"), str(tmp_path / "store")
    with monkeypatch.context() as patch:
        patch.setattr(Layout, "is_cut_short", True)
        ASKING["compare"](path, store)
    swept(path, store)
    assert len(runs) == 2
    np.savez(path, **{NAME: np.eye(48, 40, dtype=bool)})
    ASKING["compare"](path, store)
    assert len(runs) == 3
