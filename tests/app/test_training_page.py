"""The Training page without a browser: curves at once, presets that start, runs found again by their link."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from streamlit.runtime.scriptrunner import StopException
from streamlit.testing.v1 import AppTest

from sparselab.app.training.start import PRESETS
from sparselab.core.errors import UnavailableError
from sparselab.core.paths import DATA_VARIABLE, ROOTS_VARIABLE, runs_folder
from sparselab.training.runs.paths import RunPaths
from sparselab.training.runs.queue import submit
from sparselab.training.runs.run import train
from sparselab.training.runs.views import list_runs
from sparselab.training.settings import TrainSettings
from tests.browsing import PATIENCE_S
from tests.training.tiny import tiny

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path / "data"))
    monkeypatch.setattr(
        "sparselab.training.runs.queue._start", lambda folder: None
    )  # nothing is trained behind our back


@pytest.fixture
def no_study(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sparselab.app.training.curves.study_outcomes", lambda: ())


def page(**query: str) -> AppTest:
    at = AppTest.from_file(str(ROOT / "pages" / "training.py"), default_timeout=PATIENCE_S)
    for key, value in query.items():
        at.query_params[key] = value
    return at.run()


def look_no_further(_seconds: float) -> None:
    """Take the place of the pause: a run that waits is watched until something comes, and here nothing will."""
    raise StopException


def press(at: AppTest, label: str) -> AppTest:
    return next(button for button in at.button if button.label == label).click().run()


@pytest.fixture
def finished() -> Path:
    folder = submit(runs_folder(), tiny())
    train(tiny(), folder, resume=True)
    return folder


def test_with_nothing_at_all_it_says_what_to_do(no_study: None) -> None:
    at = page()
    assert not at.exception
    assert any("Start a run" in item.value for item in at.info)


def test_a_finished_run_has_curves_masks_and_a_way_to_other_pages(no_study: None, finished: Path) -> None:
    at = page(run=finished.name)
    assert not at.exception
    assert not at.error
    assert len(at.get("plotly_chart")) == 2, "curves and layers"
    assert any("inning ticket" in item.value for item in at.markdown)
    assert {button.label for button in at.button} >= {"Open in Explore", "Open in Compare", "Open in Latency"}
    stages = at.selectbox(key="_masks_stage").options
    assert stages == ["level-00", "level-01"]
    at.segmented_control(key="_axis@training").set_value("blocks").run()
    assert not at.exception


def test_the_study_says_what_is_a_tie_and_what_keeping_weights_is_worth() -> None:
    at = page()
    assert not at.exception
    told = " ".join(item.value for item in at.markdown)
    assert "Fewest weights kept that validation" in told
    assert "Is 51 % good?" in told
    assert any("corrected for 18 comparisons" in item.value for item in at.caption)


def test_every_preset_is_a_run_that_can_be_submitted(no_study: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sparselab.app.training.run.pause", look_no_further)
    for name in PRESETS:
        at = page(training_tab="Start a run", preset=name)
        at.segmented_control(key="preset").set_value(name).run()
        assert not at.exception, name
        at = press(at, "Start")
        assert not at.exception, name
        assert not at.error, name
    assert len(list_runs(runs_folder())) == len(PRESETS)
    assert all(run.status == "queued" for run in list_runs(runs_folder()))


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_a_run_that_keeps_the_rules(name: str) -> None:
    assert PRESETS[name].told
    assert TrainSettings(**PRESETS[name].values).last_level >= 1


def test_a_mistake_in_the_settings_is_said(no_study: None) -> None:
    at = page(training_tab="Start a run")
    at.segmented_control(key="preset").set_value("All settings").run()
    at.text_input(key="_train_All settings_then").set_value("magic").run()
    at = press(at, "Start")
    assert not at.exception
    assert "expected prune" in at.error[0].value.replace("\\", "")
    assert list_runs(runs_folder()) == ()


def test_a_stopped_run_offers_to_go_on_and_asks_before_it_is_deleted(no_study: None, finished: Path) -> None:
    results = RunPaths(finished).results
    results.write_text(results.read_text().replace('"finished": true', '"finished": false'))
    at = page(run=finished.name, training_tab="This run")
    assert not at.exception
    assert any("Resume continues" in item.value for item in at.info)
    press(at, "Delete")
    assert finished.exists(), "not before somebody is sure"
    assert {button.label for button in at.button} >= {"Resume", "Delete"}


def test_published_figures_stand_apart(no_study: None) -> None:
    at = page(training_tab="What the papers print")
    assert not at.exception
    assert any("None was measured here" in item.value for item in at.caption)
    at.selectbox(key="_published@training").set_value("cifar100").run()
    assert not at.exception


def test_a_link_to_a_run_that_is_gone(no_study: None) -> None:
    at = page(run="0123456789abcdef")
    assert not at.exception
    assert not at.error


def test_where_no_run_can_be_kept_the_study_is_still_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path / "file" / "below"))
    at = page()
    assert not at.exception
    assert "No run can be stored here" in at.error[0].value
    assert at.get("plotly_chart")
    at = page(training_tab="Start a run")
    assert not at.exception
    assert not [button for button in at.button if button.label == "Start"]


def test_a_system_without_file_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, what: str, **_more: object) -> None:
        raise UnavailableError("expected a file system with file locks")

    monkeypatch.setattr("sparselab.training.runs.queue.locked", refuse)
    at = page()
    assert not at.exception
    assert "file locks" in at.error[0].value


def test_a_task_of_files_asks_for_their_folder(no_study: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ROOTS_VARIABLE, str(tmp_path))
    monkeypatch.setattr("sparselab.app.training.run.pause", look_no_further)
    at = page(training_tab="Start a run")
    at.segmented_control(key="preset").set_value("All settings").run()
    at.selectbox(key="_train_All settings_task").set_value("cifar10").run()
    at = press(at, "Start")
    assert "data_batch_1.bin" in at.error[0].value.replace("\\", "")
    at.text_input(key="_train_data").set_value("/etc").run()
    at = press(at, "Start")
    assert "expected a path under" in at.error[0].value
    assert list_runs(runs_folder()) == ()
    at.text_input(key="_train_data").set_value(str(tmp_path)).run()
    at = press(at, "Start")
    assert not at.exception
    (run,) = list_runs(runs_folder())
    assert json.loads(RunPaths(run.folder).config.read_text())["data"] == str(tmp_path)
