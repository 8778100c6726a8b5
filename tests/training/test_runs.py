"""A run's folder: what is damaged, held, full, stopped or half written never costs more than it must."""

from __future__ import annotations

import errno
import json
from pathlib import Path
from typing import Any

import pytest

from sparselab.cli import main
from sparselab.core.errors import Cancelled, FileError, SettingError, SparselabError
from sparselab.runtime.progress import Monitor
from sparselab.training.engine import checkpoint as checkpoints
from sparselab.training.runs.events import Events, read_events
from sparselab.training.runs.lock import locked
from sparselab.training.runs.paths import RunPaths
from sparselab.training.runs.run import train
from sparselab.training.runs.views import list_runs, read_run
from tests.training.kills import fingerprint
from tests.training.tiny import TASK, tiny

SETTINGS = tiny(epochs=3, then="")


def stop_after(looks: int) -> Monitor:
    """A monitor that asks to stop at its n-th look."""
    seen: list[int] = []

    def asked() -> bool:
        seen.append(1)
        return len(seen) > looks

    return Monitor(cancelled=asked)


def stopped(folder: Path, looks: int = 12) -> Path:
    with pytest.raises(Cancelled, match="resume it"):
        train(SETTINGS, folder, monitor=stop_after(looks))
    return folder


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole") / "run"
    train(SETTINGS, folder)
    return folder


def test_stopped_and_resumed_ends_bit_for_bit_the_same(whole: Path, tmp_path: Path) -> None:
    folder = stopped(tmp_path / "run")
    assert read_run(folder).info.status == "stopped"
    train(SETTINGS, folder, resume=True)
    assert fingerprint(folder) == fingerprint(whole)


@pytest.mark.parametrize("damage", ["cut", "flip", "empty"])
def test_a_damaged_newest_checkpoint_falls_back_to_the_one_before(whole: Path, tmp_path: Path, damage: str) -> None:
    folder = stopped(tmp_path / "run")
    stage = next(path.name.rsplit("-", 1)[0] for path in (folder / "checkpoints").iterdir())
    newest, older = RunPaths(folder).checkpoints(stage)[:2]
    content = bytearray(newest.read_bytes())
    content[-9] ^= 1
    newest.write_bytes({"cut": content[: len(content) // 2], "flip": content, "empty": b""}[damage])
    said: list[str] = []
    train(SETTINGS, folder, resume=True, say=said.append)
    assert any(newest.name in text and "the one before" in text for text in said)
    assert older.name != newest.name
    assert fingerprint(folder) == fingerprint(whole)


def test_two_cannot_write_one_run(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    with locked(RunPaths(folder).lock, "the run"), pytest.raises(SettingError, match=r"process .* does: wait for it"):
        train(SETTINGS, folder)


def test_a_full_disk_is_a_sentence_and_the_run_goes_on_later(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, real, calls = tmp_path / "run", checkpoints.atomic_path, [0]

    def full(path: Path) -> Any:
        calls[0] += 1
        if calls[0] == 5:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(path)

    monkeypatch.setattr(checkpoints, "atomic_path", full)
    with pytest.raises(FileError, match="it is full: free some and resume"):
        train(SETTINGS, folder)
    train(SETTINGS, folder, resume=True)
    assert fingerprint(folder) == fingerprint(whole)


def test_other_settings_in_the_same_folder_are_refused(whole: Path) -> None:
    with pytest.raises(SettingError, match=r"lr: expected 0\.1, with which this run was started; got 0\.2"):
        train(tiny(epochs=3, then="", lr=0.2), whole, resume=True)
    with pytest.raises(SettingError, match="resume it"):
        train(SETTINGS, whole)


def test_a_strangers_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(SettingError, match=r"expected an empty folder .* thesis\.tex"):
        train(SETTINGS, tmp_path)
    assert (tmp_path / "thesis.tex").read_text() == "years of work"


def test_a_file_called_cancel_stops_it(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    paths = RunPaths(folder)

    class Watching(Monitor):
        def progress(self, stage: str, done: int = 0, total: int = 0) -> None:
            if done:
                paths.cancel.touch()

    with pytest.raises(Cancelled):
        train(SETTINGS, folder, monitor=Watching())
    train(SETTINGS, folder, resume=True)
    assert read_run(folder).info.status == "finished"


def test_half_a_line_is_not_an_event(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b'{"event": "one"}\n{"event": "tw')
    assert [event["event"] for event in read_events(path)] == ["one"]
    with Events(path) as events:
        events.cut(events.position)
        events.write({"event": "three"})
    assert [event["event"] for event in read_events(path)] == ["one", "three"]


@pytest.fixture
def damaged(tmp_path: Path, whole: Path) -> Path:
    folder = tmp_path / "runs" / "bad"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text((whole / "config.json").read_text())
    return folder


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"settings": {"task": "unheard-of"}, "run": "x"}', "\x00"])
def test_a_damaged_folder_is_passed_over_in_lists_and_said_when_opened(damaged: Path, text: str) -> None:
    (damaged / "config.json").write_text(text)
    assert list_runs(damaged.parent) == ()
    with pytest.raises(SparselabError, match="expected"):
        read_run(damaged)


@pytest.mark.parametrize(
    "results",
    [
        "{",
        "[]",
        "{}",
        '{"finished": false, "plan": [], "stages": [{"stage": "level-00"}]}',
        '{"finished": 1, "stages": 3}',
    ],
)
def test_damaged_results_are_said(damaged: Path, results: str) -> None:
    (damaged / "results.json").write_text(results)
    with pytest.raises(FileError, match="damaged"):
        read_run(damaged)
    assert list_runs(damaged.parent.parent) == ()


@pytest.mark.parametrize("missing", ["then", "seconds", "test_accuracy", "level", "mask_digest"])
def test_results_that_lack_something_are_said_or_passed_over(whole: Path, damaged: Path, missing: str) -> None:
    results = json.loads((whole / "results.json").read_text())
    for entry in results["stages"]:
        entry.pop(missing, None)
    (damaged / "results.json").write_text(json.dumps(results))
    if missing == "then":
        assert read_run(damaged).stages == (), "the rewind step has none"
    else:
        with pytest.raises(FileError, match="damaged"):
            read_run(damaged)


@pytest.mark.parametrize("line", ['{"step": 3}', '{"event": "loss", "stage": "unheard-of", "step": 3}', "[1]", "\x00"])
def test_strange_events_are_passed_over(whole: Path, damaged: Path, line: str) -> None:
    (damaged / "results.json").write_text((whole / "results.json").read_text())
    (damaged / "events.jsonl").write_text(line + "\n")
    assert read_run(damaged).info.status == "finished"


def test_results_lost_are_a_run_that_starts_over(whole: Path, tmp_path: Path) -> None:
    folder = stopped(tmp_path / "run")
    (folder / "results.json").unlink()
    assert read_run(folder).info.total == 0
    train(SETTINGS, folder, resume=True)
    found, wanted = fingerprint(folder), fingerprint(whole)
    assert {**found, "events": ""} == {**wanted, "events": ""}, "but for events, whose places checkpoints remember"


def test_a_run_that_has_only_begun_can_be_read(damaged: Path) -> None:
    (info,) = list_runs(damaged.parent)
    assert (info.status, info.done, info.total) == ("stopped", 0, 0)
    assert read_run(damaged).dense is None


def test_the_command_line_prints_the_same_after_an_interruption(
    whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = stopped(tmp_path / "run")
    assert main(["train", "--out", str(folder), "--resume", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    expected = read_run(whole).document()
    del expected["seconds"]
    assert {key: document[key] for key in expected} == expected
    assert [level["level"] for level in document["levels"]] == [0, 1]


def test_mistakes_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for flags, said in (
        (["--method", "magic"], "method: expected one of"),
        (["--levels", "2", "--then", "refill@3"], "expected levels from 0 to 2"),
        (["--task", "cifar10", "--data", str(tmp_path)], "expected"),
        (["--task-settings", "trian=3"], "expected name=value with one of"),
        (["--rewind-epoch", "9", "--epochs", "2"], "rewind_epoch: expected at most 2"),
    ):
        assert main(["train", "--out", str(tmp_path / "run"), "--task-settings", TASK, *flags]) == 2
        error = capsys.readouterr().err.strip().splitlines()[-1]
        assert error.startswith("error: ")
        assert said in error
