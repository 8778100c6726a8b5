"""Which process is at work on a run, started by the app: its number and the moment of its birth."""

from __future__ import annotations

from pathlib import Path

import psutil

from sparselab.errors import FileError
from sparselab.training.paths import RunPaths
from sparselab.training.records import read_json, write_json

_SAME_MOMENT = 1.0


def note_process(folder: Path, number: int) -> None:
    """Write down that process `number` works on the run in `folder`."""
    try:
        born = psutil.Process(number).create_time()
    except psutil.Error:
        return  # over already
    write_json(RunPaths(folder).process, {"process": number, "born": born})


def holder_of(folder: Path) -> int | None:
    """Return the number of the living process that was noted; None where it has ended.

    A number alone would not do: the system gives it to another process some day.
    """
    try:
        noted = read_json(RunPaths(folder).process)
        process = psutil.Process(noted["process"])
        alive = process.status() != psutil.STATUS_ZOMBIE and abs(process.create_time() - noted["born"]) < _SAME_MOMENT
    except (FileNotFoundError, FileError, KeyError, TypeError, ValueError, psutil.Error):
        return None
    return process.pid if alive else None
