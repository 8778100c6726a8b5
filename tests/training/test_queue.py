"""The queue: first come first served, no more threads than there are, runs that can be stopped, gone on with and removed."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from sparselab.errors import SparselabError
from sparselab.training.lock import locked
from sparselab.training.paths import RunPaths
from sparselab.training.process import holder_of, note_process
from sparselab.training.queue import advance, cancel, delete, resume, submit
from sparselab.training.records import read_json, write_json
from sparselab.training.runs import list_runs, read_run
from tests.training.tiny import tiny


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Folders whose turn came, in order; instead of a process each gets this one, which is alive."""
    found: list[Path] = []

    def start(folder: Path) -> None:
        found.append(folder)
        note_process(folder, os.getpid())
        RunPaths(folder).queued.unlink()

    monkeypatch.setattr("sparselab.training.queue._start", start)
    return found


def submitted(root: Path, *seeds: int, threads: int = 1) -> list[Path]:
    folders = []
    for place, seed in enumerate(seeds):
        folders.append(submit(root, tiny(seed=seed, threads=threads)))
        os.utime(RunPaths(folders[-1]).queued, (place, place))
    return folders


def status(folder: Path) -> str:
    return read_run(folder).info.status


def test_first_come_first_served_as_far_as_threads_go(tmp_path: Path, started: list[Path]) -> None:
    folders = submitted(tmp_path, 2, 0, 1)
    assert [status(folder) for folder in folders] == ["queued"] * 3
    assert advance(tmp_path, threads=2) == tuple(folders[:2])
    assert [status(folder) for folder in folders] == ["running", "running", "queued"]
    assert advance(tmp_path, threads=2) == ()
    RunPaths(folders[0]).process.unlink()
    assert advance(tmp_path, threads=2) == (folders[2],)
    assert started == folders


def test_one_that_needs_more_threads_than_there_are_runs_alone(tmp_path: Path, started: list[Path]) -> None:
    (large,), (small,) = submitted(tmp_path, 0, threads=8), submitted(tmp_path, 1)
    os.utime(RunPaths(small).queued, (9, 9))
    assert advance(tmp_path, threads=2) == (large,)
    assert advance(tmp_path, threads=2) == ()
    assert status(small) == "queued"


def test_the_same_settings_are_the_same_run(tmp_path: Path) -> None:
    assert submit(tmp_path, tiny()) == submit(tmp_path, tiny())
    assert len(list_runs(tmp_path)) == 1


def test_the_folder_of_the_data_can_be_corrected_until_training_begins(tmp_path: Path) -> None:
    def folder_of_data() -> str:
        return str(read_json(RunPaths(folder).config)["data"])

    folder = submit(tmp_path / "runs", tiny(), tmp_path / "wrong")
    submit(tmp_path / "runs", tiny(), tmp_path / "right")
    assert folder_of_data() == str(tmp_path / "right")
    submit(tmp_path / "runs", tiny())
    assert folder_of_data() == str(tmp_path / "right"), "said once is enough"
    write_json(RunPaths(folder).results, {"finished": False, "plan": [], "stages": []})
    submit(tmp_path / "runs", tiny(), tmp_path / "another")
    assert folder_of_data() == str(tmp_path / "right")


def test_nothing_is_stopped_or_removed_while_somebody_decides(tmp_path: Path) -> None:
    (folder,) = submitted(tmp_path, 0)
    with locked(tmp_path / "queue.lock", "the queue"):
        with pytest.raises(SparselabError, match="the queue"):
            cancel(folder)
        with pytest.raises(SparselabError, match="the queue"):
            delete(tmp_path, folder)
    assert status(folder) == "queued"


def test_while_somebody_decides_others_wait(tmp_path: Path, started: list[Path]) -> None:
    submitted(tmp_path, 0)
    with locked(tmp_path / "queue.lock", "the queue"):
        assert advance(tmp_path) == ()
    assert len(advance(tmp_path)) == 1


def test_out_of_the_queue_and_back(tmp_path: Path, started: list[Path]) -> None:
    (folder,) = submitted(tmp_path, 0)
    cancel(folder)
    assert status(folder) == "stopped"
    assert advance(tmp_path) == ()
    resume(folder)
    assert advance(tmp_path) == (folder,)
    resume(folder)
    assert status(folder) == "running", "one that runs is left alone"


def test_a_number_given_to_another_process_is_not_the_run(tmp_path: Path) -> None:
    (folder,) = submitted(tmp_path, 0)
    RunPaths(folder).process.write_text(f'{{"process": {os.getpid()}, "born": 1.0}}')
    assert holder_of(folder) is None
    RunPaths(folder).process.write_text("nonsense")
    assert holder_of(folder) is None


def test_deleting(tmp_path: Path, started: list[Path]) -> None:
    (folder,) = submitted(tmp_path, 0)
    advance(tmp_path)
    with pytest.raises(SparselabError, match="cancel it first"):
        delete(tmp_path, folder)
    RunPaths(folder).process.unlink()
    with pytest.raises(SparselabError, match="expected a run in"):
        delete(tmp_path / "elsewhere", folder)
    delete(tmp_path, folder)
    assert not folder.exists()


def wait_for(folder: Path, *wanted: str) -> None:
    deadline = time.monotonic() + 120
    while status(folder) not in wanted:
        assert time.monotonic() < deadline, (status(folder), read_run(folder).output)
        time.sleep(0.1)


def test_a_real_run_is_started_cancelled_and_ends_after_resuming(tmp_path: Path) -> None:
    folder = submit(tmp_path, tiny(epochs=150, levels=0, then=""))
    advance(tmp_path)
    wait_for(folder, "running")
    deadline = time.monotonic() + 120
    while not read_run(folder).tail:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    cancel(folder)
    wait_for(folder, "stopped")
    done = read_run(folder).info.done
    assert done < read_run(folder).info.total
    resume(folder)
    advance(tmp_path)
    wait_for(folder, "finished")
    assert [entry["stage"] for entry in read_run(folder).stages] == ["level-00"]
