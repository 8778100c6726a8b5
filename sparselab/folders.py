"""Where results lie: a user's own, and those that come with the project. The one place that finds the folders."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from sparselab.errors import FileError

DATA_VARIABLE = "SPARSELAB_DATA"
"""The environment variable that names another folder."""

RESULTS = Path(__file__).resolve().parents[1] / "benchmarks" / "results"
"""What was measured by the project's own benchmarks, and comes with it."""

STUDY_TICKETS = RESULTS / "study"
"""The tickets of the study that comes with the project."""


def data_folder() -> Path:
    """Return the folder for what is measured and trained here, made if need be: `SPARSELAB_DATA`, or the user's data folder.

    Raises: FileError when it can be neither found nor made.
    """
    named = os.environ.get(DATA_VARIABLE)
    folder = Path(named).expanduser() if named else _users_folder() / "sparselab"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(
            f"expected a folder that can be written for results; {folder}: {error.strerror}: "
            f"set {DATA_VARIABLE} to another"
        ) from None
    return folder


def runs_folder() -> Path:
    """Return the folder of the runs that the app starts, made if need be. Raises: FileError when it cannot be made."""
    folder = data_folder() / "runs"
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise FileError(f"expected a folder for runs; {folder} cannot be made ({error.strerror})") from None
    return folder


def result_folders() -> tuple[Path, ...]:
    """Return the folders of tickets that the app itself wrote or came with: the runs, where any can be kept, and the study."""
    try:
        return runs_folder().resolve(), STUDY_TICKETS.resolve()
    except FileError:
        return (STUDY_TICKETS.resolve(),)


def _users_folder() -> Path:
    home = Path.home()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    if sys.platform == "darwin":
        return home / "Library" / "Application Support"
    return Path(os.environ.get("XDG_DATA_HOME") or home / ".local" / "share")
