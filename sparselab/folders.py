"""Where a user's own results lie: the one place that finds the folder."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from sparselab.errors import FileError

DATA_VARIABLE = "SPARSELAB_DATA"
"""The environment variable that names another folder."""

RESULTS = Path(__file__).resolve().parents[1] / "benchmarks" / "results"
"""What was measured by the project's own benchmarks, and comes with it."""


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


def _users_folder() -> Path:
    home = Path.home()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    if sys.platform == "darwin":
        return home / "Library" / "Application Support"
    return Path(os.environ.get("XDG_DATA_HOME") or home / ".local" / "share")
