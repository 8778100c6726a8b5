"""Runs that nobody watches: processes of their own, as many at once as the processor has threads for; the others wait.

A run waits in a folder of its own with a file called `queued`. Whoever looks at the runs, and every training that ends, starts
those whose turn it is (`advance`, `taking_turns`): there is no server of the queue that could die, and a night's queue needs
nobody to look. Where a training is killed, the next that ends or the next look goes on. A started run belongs to no one and goes
on when the app ends; its process is known by the file `process.json`.

All of them count alike: the threads that the runs at work take, by their settings, against those of the processor.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sparselab.core.atomic_files import sweep
from sparselab.core.errors import SettingError
from sparselab.runtime.child import python_command, python_environment
from sparselab.training.runs.folder import write_config
from sparselab.training.runs.lock import locked
from sparselab.training.runs.paths import RunPaths
from sparselab.training.runs.process import holder_of, note_process
from sparselab.training.runs.views import RunInfo, is_at_work, list_runs, read_run
from sparselab.training.settings import TrainSettings

_LOCK = "queue.lock"
_PATIENCE_SECONDS = 60.0  # of a training that ends: nobody may look after it


def submit(root: Path, settings: TrainSettings, data: Path | None = None) -> Path:
    """Put a run in the queue; return its folder, named by its settings' hash. One that is there already is resumed.

    Args: data: where the task's files lie, where it needs some; of a run that has begun it stays as it was.
    Raises: SettingError as the settings do, or when the run is just being written.
    """
    settings = settings.settled()
    folder = root / settings.digest
    folder.mkdir(parents=True, exist_ok=True)
    paths = RunPaths(folder)
    with _deciding(root):
        begun = paths.results.exists() or is_at_work(folder)
        if not paths.config.exists() or (data is not None and not begun):
            with locked(paths.lock, f"the run in {folder}"):
                write_config(paths, settings, data)
        _put_back(folder)
    return folder


def resume(folder: Path) -> None:
    """Put a run that was stopped back in the queue; one that runs or is finished stays as it is.

    Raises: SettingError for a run of code of one's own: whoever asks need not be whose code it is.
    """
    if read_run(folder).info.settings.names_own_code:
        raise SettingError(
            f"expected a run of a registered task and network; {folder.name} runs code of your own: resume it at the command line"
        )
    with _deciding(folder.parent):
        _put_back(folder)


def advance(root: Path, threads: int | None = None) -> tuple[Path, ...]:
    """Start the runs whose turn it is, first come first served; return their folders.

    A run takes as many threads as it is told. Together they take at most `threads` (default: the processor's), but one
    runs in any case. Safe to call from anywhere at any time: a lock lets one caller at a time decide.
    """
    try:
        with _deciding(root):
            return _start_those_whose_turn_it_is(root, threads)
    except SettingError:
        return ()  # somebody else is deciding right now


@contextmanager
def taking_turns(folder: Path, threads: int | None = None) -> Iterator[None]:
    """Train in `folder` in this block; however it ends, the runs begin that waited for this one in the queue of its folder.

    Where no queue's lock lies beside `folder`, nothing waits and nothing is started. Of several that end at once each counts
    those before it as ended. `threads` as for `advance`.

    Raises: SettingError when somebody else decides for a minute.
    """
    root = folder.absolute().parent
    if not (root / _LOCK).exists():
        yield
        return
    with _deciding(root, _PATIENCE_SECONDS):
        pass  # whoever starts this process notes it first: from here on nobody else writes in the folder
    try:
        yield
    finally:
        with _deciding(root, _PATIENCE_SECONDS):
            if holder_of(folder) == os.getpid():  # still alive, but at work no more
                RunPaths(folder).process.unlink()
            _start_those_whose_turn_it_is(root, threads)


def cancel(folder: Path) -> None:
    """Ask a run to stop, or take it out of the queue. It writes a checkpoint first, so that it can be resumed."""
    paths = RunPaths(folder)
    with _deciding(folder.parent):  # or it might be started between a look and a deed
        paths.queued.unlink(missing_ok=True)
        if read_run(folder).info.status != "running":
            return
        paths.cancel.touch()
        if (process := holder_of(folder)) is not None:  # else it was started at a command line, where the file is seen
            os.kill(process, signal.SIGTERM)


def delete(root: Path, folder: Path) -> None:
    """Remove a run and all it found.

    Raises: SettingError for a run that is at work, or a folder that is no run of `root`.
    """
    if folder.resolve().parent != root.resolve():
        raise SettingError(f"expected a run in {root}; got {folder}")
    with _deciding(root):
        if read_run(folder).info.status == "running":
            raise SettingError("expected a run that is stopped; this one is at work: cancel it first")
        with locked(RunPaths(folder).lock, f"the run in {folder}"):
            pass  # nobody has just begun; who comes now finds nothing
        shutil.rmtree(folder)


@contextmanager
def _deciding(root: Path, wait_seconds: float = 1.0) -> Iterator[None]:
    """Hold the queue's lock: nobody else queues, starts, stops or removes a run of `root` meanwhile."""
    with locked(root / _LOCK, "the queue", wait_seconds=wait_seconds):
        sweep(root)
        yield


def _put_back(folder: Path) -> None:
    if read_run(folder).info.status == "stopped":
        paths = RunPaths(folder)
        paths.cancel.unlink(missing_ok=True)
        paths.queued.touch()


def _start_those_whose_turn_it_is(root: Path, threads: int | None) -> tuple[Path, ...]:
    """Start them; the caller holds the queue's lock."""
    threads = threads or os.cpu_count() or 1
    runs = list_runs(root)
    used = sum(run.settings.threads or 1 for run in runs if run.status == "running")
    started = []
    for run in sorted((run for run in runs if run.status == "queued"), key=_since):
        needed = run.settings.threads or 1
        if used and used + needed > threads:
            break
        _start(run.folder)
        used += needed
        started.append(run.folder)
    return tuple(started)


def _since(run: RunInfo) -> float:
    return RunPaths(run.folder).queued.stat().st_mtime


def _start(folder: Path) -> None:
    paths = RunPaths(folder)
    command = python_command("-m", "sparselab", "train", "--out", str(folder), "--resume", "--json")
    with paths.output.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and our own text
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            env=python_environment(),
        )
    # Somebody must wait for it, or it stays as a zombie when it has ended while the app goes on.
    threading.Thread(target=process.wait, daemon=True, name="sparselab-run-waiter").start()
    note_process(folder, process.pid)
    paths.queued.unlink(missing_ok=True)
