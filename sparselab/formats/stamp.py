"""Whether a file, or a folder of a model, is still what it was."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from sparselab.core.errors import FileError
from sparselab.formats.parsing.model_folder import list_files


def file_stamp(*paths: str | Path | None) -> str:
    """Return a text that changes when one of the files is written; of a folder, or of an index, when any file beside it is.

    It is made of sizes and times, not of contents, so that it costs nothing however large the files are. None is left out, and
    what is not there has a stamp too: the reader says it better.
    """
    told = ";".join(_told(Path(path)) for path in paths if path is not None)
    return hashlib.sha256(told.encode(errors="surrogateescape")).hexdigest()[:16]


def _told(path: Path) -> str:
    try:
        folder = path if path.is_dir() else path.parent
        names = list_files(folder) if folder == path or path.suffix == ".json" else (path.name,)
        states = [(name, os.stat(folder / name)) for name in names]
    except (OSError, ValueError, FileError):
        return ""
    return ";".join(f"{name}:{state.st_size}:{state.st_mtime_ns}" for name, state in states)
