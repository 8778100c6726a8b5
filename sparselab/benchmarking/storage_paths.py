"""Where measured sessions lie."""

from __future__ import annotations

from pathlib import Path

from sparselab.core.paths import data_folder


def database_path() -> Path:
    """Return where the sessions of this user lie."""
    return data_folder() / "latency.sqlite3"


def lock_path() -> Path:
    """Return the file that whoever measures holds locked."""
    return data_folder() / "measuring.lock"
