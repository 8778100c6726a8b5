"""Where a user's own files lie: what was measured and trained (data), what took long to make (cache). The one place that spells these folders."""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import PlatformDirs

from sparselab.errors import FileError

DATA_VARIABLE = "SPARSELAB_DATA"
"""The environment variable that names another folder for data."""

CACHE_VARIABLE = "SPARSELAB_CACHE"
"""The environment variable that names another folder for the cache."""


def data_folder() -> Path:
    """Return the folder for what is measured and trained here, made if need be: `SPARSELAB_DATA`, or the user's data folder.

    Raises: FileError when it can be neither found nor made.
    """
    named = os.environ.get(DATA_VARIABLE)
    folder = Path(named).expanduser() if named else _users().user_data_path
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(
            f"expected a folder that can be written for results; {folder}: {error.strerror}: "
            f"set {DATA_VARIABLE} to another"
        ) from None
    return folder


def cache_folder(kind: str) -> Path:
    """Return the folder for one kind of thing that can be made again: below `SPARSELAB_CACHE`, or in the user's cache folder.

    It may not exist yet.
    """
    named = os.environ.get(CACHE_VARIABLE)
    return (Path(named).expanduser() if named else _users().user_cache_path) / kind


def _users() -> PlatformDirs:
    # No author and no opinion: on Windows both folders are %LOCALAPPDATA%\sparselab, without further parts.
    return PlatformDirs("sparselab", appauthor=False, opinion=False)
