"""A run on the Training page: what it was made of, what its updates lose. What is installed is offered; nobody's code is run."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

import sparselab.training
from sparselab.app.training import start
from sparselab.app.training.exchanges import energy_text
from sparselab.core import plugins
from sparselab.core.errors import SettingError
from sparselab.core.paths import DATA_VARIABLE, runs_folder
from sparselab.training.models import MODELS
from sparselab.training.runs.mask_history import energy_lost_of
from sparselab.training.runs.paths import RunPaths
from sparselab.training.runs.queue import resume, submit
from sparselab.training.runs.run import train
from sparselab.training.runs.views import list_runs, read_run
from sparselab.training.tasks import TASKS
from tests.app.test_training_page import page
from tests.training.tiny import TASK, tiny

NET = """from pathlib import Path
from torch import nn
(Path(__file__).parent / "was run").touch()


def net(classes, channels, size):
    return nn.Sequential(nn.Flatten(), nn.Linear(channels * size * size, 8), nn.ReLU(), nn.Linear(8, classes))
"""


@pytest.fixture(autouse=True)
def _data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path / "data"))
    monkeypatch.setattr("sparselab.training.runs.queue._start", lambda folder: None)
    monkeypatch.setattr("sparselab.app.training.curves.study_outcomes", lambda: ())


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """The folder of a stopped run of code of one's own, whose code leaves a file wherever it is run."""
    (tmp_path / "net.py").write_text(NET)
    folder = runs_folder() / "own"
    sparselab.training.run(
        folder, model=f"{tmp_path / 'net.py'}:net", task_settings=TASK, levels=0, epochs=1, batch=32, threads=1
    )
    results = RunPaths(folder).results
    results.write_text(results.read_text().replace('"finished": true', '"finished": false'))
    (tmp_path / "was run").unlink()
    return folder


def table_texts(at: AppTest) -> str:
    return " ".join(str(table.value.to_dict()) for table in at.dataframe)


def test_what_is_installed_is_offered_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    brought = {"sparselab.tasks": ("other-task", "STRIPES"), "sparselab.models": ("other-model", "TWO_LAYERS")}

    def points(group: str) -> tuple[EntryPoint, ...]:
        if group not in brought:
            return ()
        name, value = brought[group]
        return (EntryPoint(name, f"tests.plugin_example.sparselab_example:{value}", group),)

    monkeypatch.setattr(plugins, "_points", points)
    for registry in (TASKS, MODELS):
        monkeypatch.setattr(registry, "_entries", dict(registry.builtin))
        monkeypatch.setattr(registry, "_is_begun", False)
        monkeypatch.setattr(registry, "_is_loaded", False)
    at = page(training_tab="Start a run")
    at.segmented_control(key="preset").set_value("All settings").run()
    assert not at.exception
    for name, registry in (("task", TASKS), ("model", MODELS)):
        options = at.selectbox(key=f"_train_All settings_{name}").options
        assert options == [*registry.builtin, f"other-{name}"]


def test_a_run_shows_the_name_and_digest_of_its_code_and_runs_none_of_it(own: Path, tmp_path: Path) -> None:
    (run,) = list_runs(runs_folder())
    at = page(run=run.run, training_tab="This run")
    assert not at.exception
    ((file, digest),) = run.code.items()
    assert Path(file).name == "net.py"
    assert file in table_texts(at)
    assert digest in table_texts(at)
    assert any("only the command line runs" in info.value for info in at.info)
    (names,) = [str(box.options) for box in at.sidebar.selectbox if box.label == "Run"]
    assert "net.py:net on digits" in names
    assert str(Path(file).parent) not in names
    assert "Resume" not in {button.label for button in at.button}, "only the command line runs code of one's own"
    assert any("--resume" in code.value for code in at.code)
    with pytest.raises(SettingError, match="command line"):
        resume(own)
    assert not RunPaths(own).queued.exists()
    assert not (tmp_path / "was run").exists()


@pytest.mark.parametrize("kind", ["task", "model", "from_file"])
def test_what_a_visitor_sends_is_never_run(kind: str, tmp_path: Path) -> None:
    """Widgets offer registered names alone; a message that is made by hand can bring any text."""
    (tmp_path / "net.py").write_text(NET)
    sent = str(tmp_path / "net.py") + (":net" if kind != "from_file" else "")
    start._begin(runs_folder(), {kind: sent}, "")
    assert "the command line" in st.session_state.pop("_train_said")
    assert list_runs(runs_folder()) == ()
    assert not (tmp_path / "was run").exists()


@pytest.mark.parametrize("method", ["rigl", "dsb"])
def test_the_energy_that_updates_lose_is_drawn_and_said(method: str) -> None:
    settings = tiny(method=method, then="", sparsity=0.6, block_size=4, update_every=1, width=0.25)
    folder = submit(runs_folder(), settings)
    train(settings, folder, resume=True)
    lost = energy_lost_of(read_run(folder).events())
    assert len(lost) >= 2
    assert all(0 <= one.share <= 1 for one in lost)
    assert any(one.share > 0 for one in lost)
    at = page(run=folder.name, training_tab="This run")
    assert not at.exception
    (said,) = [caption.value for caption in at.caption if "Sum of w" in caption.value]
    assert said == energy_text(lost)
    assert f"{100 * max(one.share for one in lost):.2f} %" in said
    charts = len(at.get("plotly_chart"))
    events = RunPaths(folder).events
    events.write_text(events.read_text().replace('"energy_lost"', '"unknown"'))
    older = page(run=folder.name, training_tab="This run")
    assert not older.exception, "runs from before it was written down"
    assert len(older.get("plotly_chart")) == charts - 1
