"""Files that are either whole or not there, and what a killed writer leaves of them."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

DAY_SECONDS = 86_400.0
"""Age at which a temporary file of a shared folder has lost its writer: none of ours writes for a day."""

_TEMPORARY = re.compile(r"\.[0-9a-f]{16}\.part")


@contextmanager
def atomic_path(path: Path, *, is_remakeable: bool = False) -> Iterator[Path]:
    """Yield a temporary path beside `path`; when the block ends well it takes that name, else it vanishes.

    The bytes reach the disk before the name does, and the name before this returns; a file that is_remakeable, of which there are
    many, may lose its name with the power, which saves half the time. A process that is killed leaves the temporary file: `sweep`
    knows its name.
    """
    # Not mkstemp: only its owner may read what it makes, and the file keeps that when it takes its name.
    temporary = path.parent / f".{secrets.token_hex(8)}.part"
    temporary.touch(exist_ok=False)
    try:
        yield temporary
        _sync(temporary, os.O_RDWR)
        os.replace(temporary, path)
        if os.name == "posix" and not is_remakeable:  # elsewhere a folder cannot be opened
            _sync(path.parent, os.O_RDONLY)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Yield a new folder beside `path`; when the block ends well it takes that name, which must be free, else it vanishes.

    A process that is killed leaves the temporary folder: `sweep` knows its name.
    """
    temporary = path.parent / f".{secrets.token_hex(8)}.part"
    temporary.mkdir()
    try:
        yield temporary
        for file in temporary.iterdir():
            _sync(file, os.O_RDWR)
        temporary.rename(path)
        if os.name == "posix":
            _sync(path.parent, os.O_RDONLY)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def is_temporary(path: Path) -> bool:
    """Whether a file has a name that `atomic_path` gives to what is half written."""
    return _TEMPORARY.fullmatch(path.name) is not None


def sweep(folder: Path, *, older_than: float = 0.0) -> None:
    """Remove the temporary files and folders of `atomic_path` and `atomic_folder` that writers who were killed left in `folder`.

    Args: older_than: seconds since a file was last changed. 0 is for whoever alone writes the folder, under a lock; in a
        folder that others write too, `DAY_SECONDS` spares what is being written.
    What cannot be read or removed stays.
    """
    latest = time.time() - older_than
    with contextlib.suppress(OSError):
        for path in filter(is_temporary, folder.iterdir()):
            with contextlib.suppress(OSError):
                if older_than and path.stat().st_mtime >= latest:
                    continue
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
                else:
                    path.unlink()


def _sync(path: Path, flags: int) -> None:
    handle = os.open(path, flags)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
