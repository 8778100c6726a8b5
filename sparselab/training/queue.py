"""Runs that nobody watches: processes of their own, as many at once as the processor has threads for; the others wait.

A run waits in a folder of its own with a file called `queued`. Whoever looks at the runs calls `advance`, which starts those
whose turn it is: there is no server of the queue that could die. A started run belongs to no one and goes on when the app
ends; its process is known by the file `process`.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from contextlib import AbstractContextManager
from pathlib import Path

from sparselab.errors import SettingError
from sparselab.training.folder import write_config
from sparselab.training.lock import locked
from sparselab.training.paths import RunPaths
from sparselab.training.process import holder_of, note_process
from sparselab.training.runs import RunInfo, list_runs, read_run
from sparselab.training.settings import TrainSettings

_PACKAGE_ROOT = Path(__file__).resolve().parents[2]


def submit(root: Path, settings: TrainSettings, data: Path | None = None) -> Path:
    """Put a run in the queue; return its folder, named by its settings' hash. One that is there already is resumed.

    Args: data: where the task's files lie, where it needs some; of a run that has begun it stays as it was.
    Raises: SettingError as the settings do.
    """
    settings = settings.settled()
    folder = root / settings.digest
    folder.mkdir(parents=True, exist_ok=True)
    paths = RunPaths(folder)
    if not (paths.config.exists() and (data is None or paths.results.exists())):
        write_config(paths, settings, data)
    resume(folder)
    return folder


def resume(folder: Path) -> None:
    """Put a run that was stopped back in the queue; one that runs or is finished stays as it is."""
    if read_run(folder).info.status == "stopped":
        paths = RunPaths(folder)
        paths.cancel.unlink(missing_ok=True)
        paths.queued.touch()


def advance(root: Path, threads: int | None = None) -> tuple[Path, ...]:
    """Start the runs whose turn it is, first come first served; return their folders.

    A run takes as many threads as it is told. Together they take at most `threads` (default: the processor's), but one
    runs in any case. Safe to call from anywhere at any time: a lock lets one caller at a time decide.
    """
    threads = threads or os.cpu_count() or 1
    try:
        with _deciding(root):
            runs = list_runs(root)
            used = sum(run.settings.threads or 1 for run in runs if run.status == "running")
            waiting = sorted((run for run in runs if run.status == "queued"), key=_since)
            started = []
            for run in waiting:
                needed = run.settings.threads or 1
                if used and used + needed > threads:
                    break
                _start(run.folder)
                used += needed
                started.append(run.folder)
            return tuple(started)
    except SettingError:
        return ()  # somebody else is deciding right now


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
        shutil.rmtree(folder)


def _deciding(root: Path) -> AbstractContextManager[None]:
    """Hold the queue's lock: nobody else starts, stops or removes a run of `root` meanwhile."""
    return locked(root / "queue.lock", "the queue")


def _since(run: RunInfo) -> float:
    return RunPaths(run.folder).queued.stat().st_mtime


def _start(folder: Path) -> None:
    paths = RunPaths(folder)
    command = [sys.executable, "-m", "sparselab", "train", "--out", str(folder), "--resume", "--json"]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(_PACKAGE_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]),
    }
    with paths.output.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and our own text
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True, env=environment
        )
    # Somebody must wait for it, or it stays as a zombie when it has ended while the app goes on.
    threading.Thread(target=process.wait, daemon=True, name="sparselab-run-waiter").start()
    note_process(folder, process.pid)
    paths.queued.unlink(missing_ok=True)
