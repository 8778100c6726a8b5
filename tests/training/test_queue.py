"""The queue: first come first served, no more threads than there are, runs that can be stopped, gone on with and removed."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sparselab.core.errors import SparselabError
from sparselab.training.runs.lock import locked
from sparselab.training.runs.paths import RunPaths
from sparselab.training.runs.process import holder_of, note_process
from sparselab.training.runs.queue import advance, cancel, delete, resume, submit, taking_turns
from sparselab.training.runs.records import read_json, write_json
from sparselab.training.runs.views import list_runs, read_run, threads_at_work
from tests.training.tiny import tiny


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Folders whose turn came, in order; instead of a process each gets this one, which is alive."""
    found: list[Path] = []

    def start(folder: Path) -> None:
        found.append(folder)
        note_process(folder, os.getpid())
        RunPaths(folder).queued.unlink()

    monkeypatch.setattr("sparselab.training.runs.queue._start", start)
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


def test_the_threads_of_those_at_work_are_counted(tmp_path: Path, started: list[Path]) -> None:
    assert threads_at_work(tmp_path / "none") == 0
    submitted(tmp_path, 0, 1, 2, threads=2)
    assert threads_at_work(tmp_path) == 0
    advance(tmp_path, threads=4)
    assert threads_at_work(tmp_path) == 2 * len(started) == 4


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


def test_a_run_that_has_just_started_keeps_its_folder_of_data(tmp_path: Path, started: list[Path]) -> None:
    folder = submit(tmp_path / "runs", tiny(), tmp_path / "right")
    advance(tmp_path / "runs")
    assert submit(tmp_path / "runs", tiny(), tmp_path / "another") == folder
    assert read_json(RunPaths(folder).config)["data"] == str(tmp_path / "right")
    assert status(folder) == "running"


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


def test_who_ends_starts_who_waited(tmp_path: Path, started: list[Path]) -> None:
    first, second, third = submitted(tmp_path, 0, 1, 2)
    advance(tmp_path, threads=1)
    with taking_turns(first, threads=1):
        assert started == [first]
    assert started == [first, second]
    with pytest.raises(KeyError), taking_turns(second, threads=1):
        raise KeyError("whatever a training may fail of")
    assert started == [first, second, third]


def test_outside_of_a_queue_nothing_is_started(tmp_path: Path, started: list[Path]) -> None:
    with taking_turns(tmp_path / "run"):
        pass
    assert not started
    assert not list(tmp_path.iterdir())


def test_a_killed_run_is_passed_over_by_the_next_that_ends(tmp_path: Path, started: list[Path]) -> None:
    killed, other, waiting = submitted(tmp_path, 0, 1, 2)
    advance(tmp_path, threads=2)
    RunPaths(killed).process.write_text('{"process": 1, "born": 1.0}')
    with taking_turns(other, threads=1):
        assert status(killed) == "stopped"
    assert started == [killed, other, waiting]


def test_several_that_end_at_once_start_each_that_waits_once(tmp_path: Path, started: list[Path]) -> None:
    folders = submitted(tmp_path, *range(8))
    assert len(advance(tmp_path, threads=4)) == 4
    at_once = threading.Barrier(4)

    def work(folder: Path) -> None:
        with taking_turns(folder, threads=4):
            at_once.wait()

    ends = [threading.Thread(target=work, args=(folder,)) for folder in folders[:4]]
    for end in ends:
        end.start()
    for end in ends:
        end.join()
    assert started == folders, "each once, first come first served, and none left waiting"


def wait_for(folder: Path, *wanted: str) -> None:
    """Look until it is so; who hangs is ended by the limit of the test."""
    while status(folder) not in wanted:
        time.sleep(0.1)


def wait_for_news(folder: Path) -> None:
    while not read_run(folder).tail:
        time.sleep(0.1)


@pytest.fixture
def nothing_left(tmp_path: Path) -> Iterator[None]:
    """End what the test started, also where it failed."""
    yield
    for run in list_runs(tmp_path):
        RunPaths(run.folder).queued.unlink(missing_ok=True)
    for run in list_runs(tmp_path):
        if (process := holder_of(run.folder)) is not None:
            os.kill(process, signal.SIGKILL)


@pytest.mark.timeout(900)  # several processes, each of which loads torch
@pytest.mark.usefixtures("nothing_left")
def test_a_queue_goes_on_by_itself_when_a_run_fails_ends_or_is_cancelled(tmp_path: Path) -> None:
    alone = os.cpu_count() or 1  # threads of each: one at a time
    fails = submit(tmp_path, tiny(task="cifar10", task_settings="", threads=alone), tmp_path / "nowhere")
    ends = submit(tmp_path, tiny(threads=alone, levels=0, then=""))
    long = submit(tmp_path, tiny(threads=alone, levels=0, then="", epochs=1000))
    last = submit(tmp_path, tiny(threads=alone, levels=0, then="", seed=1))
    for place, folder in enumerate((fails, ends, long, last)):
        os.utime(RunPaths(folder).queued, (place, place))
    assert advance(tmp_path) == (fails,)
    wait_for(long, "running")  # nobody but the runs themselves decides from here on
    assert status(fails) == "stopped"
    assert "nowhere" in read_run(fails).output
    assert [status(folder) for folder in (ends, last)] == ["finished", "queued"]
    wait_for_news(long)
    cancel(long)
    wait_for(last, "finished")
    assert status(long) == "stopped"


@pytest.mark.timeout(900)  # several processes, each of which loads torch
@pytest.mark.usefixtures("nothing_left")
def test_a_queue_goes_on_at_the_next_look_when_a_run_is_killed(tmp_path: Path) -> None:
    alone = os.cpu_count() or 1
    folders = [submit(tmp_path, tiny(threads=alone, levels=0, then="", epochs=1000, seed=seed)) for seed in (0, 1)]
    (killed,) = advance(tmp_path)
    (other,) = set(folders) - {killed}
    wait_for_news(killed)
    process = holder_of(killed)
    assert process is not None
    os.kill(process, signal.SIGKILL)
    wait_for(killed, "stopped")
    assert status(other) == "queued"
    assert advance(tmp_path) == (other,)
    wait_for_news(other)


@pytest.mark.timeout(900)  # several processes, each of which loads torch
@pytest.mark.usefixtures("nothing_left")
def test_a_real_run_is_started_cancelled_and_ends_after_resuming(tmp_path: Path) -> None:
    folder = submit(tmp_path, tiny(epochs=150, levels=0, then=""))
    advance(tmp_path)
    wait_for_news(folder)
    cancel(folder)
    wait_for(folder, "stopped")
    done = read_run(folder).info.done
    assert done < read_run(folder).info.total
    resume(folder)
    advance(tmp_path)
    wait_for(folder, "finished")
    assert [entry["stage"] for entry in read_run(folder).stages] == ["level-00"]
