"""Damaged stores: for every file that the app keeps, a sentence or nothing is said, the pages stand, and what is whole is shown."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from sparselab.app.shell.session import public_memory
from sparselab.benchmarking.storage_paths import database_path
from sparselab.benchmarking.store import Store
from sparselab.core.paths import cache_folder, data_folder, runs_folder
from sparselab.kernels.support.tuning_cache import keep, recall
from sparselab.training.runs.queue import submit
from sparselab.training.runs.run import train
from tests.app.few import few_contenders
from tests.app.serving.test_troubles import PAGES, QUICK, answered, opened, said
from tests.training.tiny import tiny

DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "cut": lambda content: content[: len(content) // 2],
    "noise": lambda content: np.random.default_rng(0).bytes(len(content)),
    "other JSON": lambda _: b"[1, {}]",
}


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders of a user with everything in them: a run, the database of measurements, choices, answers."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPARSELAB_DATA", str(home / "data"))
        patch.setenv("SPARSELAB_CACHE", str(home / "cache"))
        train(tiny(), submit(runs_folder(), tiny()), resume=True)
        Store(database_path()).sessions()
        keep({"layer": 1}, {"tile": 4})
        public_memory.clear()  # or it is not asked of the disk
        assert answered(opened(**QUICK))
        kinds = {path.parent.name for path in home.rglob("*") if path.is_file()}
        assert {"results", "tuning", "data"} <= kinds
    return home


@pytest.mark.parametrize("damage", DAMAGES)
def test_every_page_stands_over_damaged_stores(
    damage: str, kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few_contenders(monkeypatch)
    shutil.copytree(kept, tmp_path / "home")
    monkeypatch.setenv("SPARSELAB_DATA", str(tmp_path / "home" / "data"))
    monkeypatch.setenv("SPARSELAB_CACHE", str(tmp_path / "home" / "cache"))
    public_memory.clear()
    run = next(path.name for path in runs_folder().iterdir() if path.is_dir())
    for folder in (data_folder(), cache_folder("results"), cache_folder("tuning")):
        for path in [path for path in folder.rglob("*") if path.is_file()]:
            path.write_bytes(DAMAGES[damage](path.read_bytes()))
    assert recall({"layer": 1}, {"tile": int}) is None
    for page in PAGES:
        at = opened(page, **QUICK, run=run, training_tab="Selected run", latency_tab="Stored results")
        assert "Internal error" not in said(at)
        if page == "explore":
            assert answered(at)
    shutil.rmtree(tmp_path / "home")
    for page in PAGES:
        assert "damaged" not in said(opened(page, **QUICK)), "a second try works once the files are gone"
