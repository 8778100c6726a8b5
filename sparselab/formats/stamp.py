"""Whether a file, or a folder of a model, is still what it was."""

from __future__ import annotations

import hashlib
from pathlib import Path

from sparselab.core.errors import FileError
from sparselab.formats.parsing.model_folder import list_files


def file_stamp(path: str | Path) -> str:
    """Return a text that changes when a file is written; of a folder, or of an index, when any file beside it is.

    It is made of sizes and times, not of contents, so that it costs nothing however large the files are. "" where there is none.
    """
    path = Path(path)
    try:
        is_folder = path.is_dir()
        folder = path if is_folder else path.parent
        names = list_files(path) if is_folder else list_files(folder) if path.suffix == ".json" else (path.name,)
        states = [(name, (folder / name).stat()) for name in names]
    except (OSError, FileError):
        return ""
    told = ";".join(f"{name}:{state.st_size}:{state.st_mtime_ns}" for name, state in states)
    return hashlib.sha256(told.encode(errors="surrogateescape")).hexdigest()[:16]
