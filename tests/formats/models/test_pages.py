"""Folders of models on the pages: opened by path, described from headers, one layer read at a time."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from sparselab.app.inputs.path_policy import allowed_roots
from sparselab.core.paths import OPENED_VARIABLE, ROOTS_VARIABLE
from tests.browsing import PATIENCE_S
from tests.formats.models.model_folders import large_folder

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    monkeypatch.setenv(ROOTS_VARIABLE, "")
    monkeypatch.setenv(OPENED_VARIABLE, str(folder))
    return large_folder(folder)


def page(name: str, folder: Path, **query: str) -> AppTest:
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=PATIENCE_S)
    for key, value in ({"source": "Path", "path": str(folder), "layer": "small.weight"} | query).items():
        at.query_params[key] = value
    at.run()
    if name != "explore":
        at.switch_page(f"pages/{name}.py").run()
    return at


def test_the_folder_that_the_app_was_started_with_may_be_read_and_nothing_beside_it(large: Path) -> None:
    assert allowed_roots() == (large,)


def test_explore_reads_one_layer_of_a_large_folder(large: Path) -> None:
    at = page("explore", large)
    assert not at.exception
    assert not at.error
    assert any("64 x 96, 2,048 weights kept (33.33 %)" in text.value for text in at.text)
    (picker,) = (box for box in at.selectbox if box.label == "Layer")
    assert sum("not counted yet" in option for option in picker.options) == 4
    assert any("only the headers were read" in caption.value for caption in at.caption)


@pytest.mark.parametrize("name", ["compare", "model", "latency"])
def test_every_page_of_a_file_lives_with_layers_that_are_not_counted(name: str, large: Path) -> None:
    at = page(name, large)
    assert not at.exception
    assert not at.error
