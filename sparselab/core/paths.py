"""Where a user's own files lie: what was measured and trained (data), what took long to make (cache). The one place that spells these folders and their variables."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from platformdirs import PlatformDirs

from sparselab.core.data_files import STUDY_TICKETS
from sparselab.core.errors import FileError

DATA_VARIABLE = "SPARSELAB_DATA"
"""The environment variable that names another folder for data."""

CACHE_VARIABLE = "SPARSELAB_CACHE"
"""The environment variable that names another folder for the cache."""

ROOTS_VARIABLE = "SPARSELAB_ROOTS"
"""The environment variable by which an operator names the folders that the app may read."""

OPENED_VARIABLE = "SPARSELAB_OPENED"
"""The environment variable by which `sparselab app FILE` names FILE to the app: its folder may be read too."""


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


def cache_folder(kind: str) -> Path:
    """Return the folder for one kind of thing that can be made again: below `SPARSELAB_CACHE`, or in the user's cache folder.

    It may not exist yet.
    """
    named = os.environ.get(CACHE_VARIABLE)
    return (Path(named).expanduser() if named else _users().user_cache_path) / kind


def check_private(folder: Path) -> None:
    """Raises: FileError when `folder` may be written by others than this user: what lies there could be anybody's code."""
    if not hasattr(os, "getuid"):  # Windows: a user's folders are the user's
        return
    state, link = folder.stat(), folder.lstat()  # who may write a link's target is what counts, and whose the link is
    mine = {state.st_uid, link.st_uid} == {os.getuid()}
    if not stat.S_ISDIR(state.st_mode) or not mine or state.st_mode & 0o022:
        raise FileError(
            f"expected {folder} to be writable by this user alone; others may write there: "
            "chmod go-w it, or set another folder"
        )


def _users() -> PlatformDirs:
    # No author and no opinion: on Windows both folders are %LOCALAPPDATA%\sparselab, without further parts.
    return PlatformDirs("sparselab", appauthor=False, opinion=False)
