"""Which process does what: its number and the moment of its birth, by which it is known as long as it lives."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil

from sparselab.core.errors import FileError
from sparselab.training.runs.paths import RunPaths
from sparselab.training.runs.records import read_json, write_json

_SAME_MOMENT = 1.0


def describe_process(number: int) -> dict[str, Any] | None:
    """Return what tells process `number` from all others of this machine, as JSON can hold it; None when it has ended."""
    try:
        return {"process": number, "born": psutil.Process(number).create_time()}
    except psutil.Error:
        return None


def living_process(noted: Mapping[str, Any]) -> int | None:
    """Return the number of the process that `describe_process` described, None where it has ended.

    A number alone would not do: the system gives it to another process some day.
    """
    try:
        process = psutil.Process(noted["process"])
        alive = process.status() != psutil.STATUS_ZOMBIE and abs(process.create_time() - noted["born"]) < _SAME_MOMENT
    except (KeyError, TypeError, ValueError, psutil.Error):
        return None
    return process.pid if alive else None


def note_process(folder: Path, number: int) -> None:
    """Write down that process `number` works on the run in `folder`, unless it has ended already."""
    if (described := describe_process(number)) is not None:
        write_json(RunPaths(folder).process, described)


def holder_of(folder: Path) -> int | None:
    """Return the number of the living process that was noted for the run in `folder`; None where it has ended."""
    try:
        return living_process(read_json(RunPaths(folder).process))
    except (FileNotFoundError, FileError):
        return None
