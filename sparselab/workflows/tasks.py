"""What an answer depends on, as plain values: the key under which it is stored."""

from __future__ import annotations

import os
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from sparselab.core.paths import cache_folder
from sparselab.formats import FORMATS, ReadOptions
from sparselab.grouping import GROUPERS
from sparselab.transforms import TRANSFORMS

_READS_ITS_FOLDER = (".json", ".onnx")
"""Suffixes of files whose tensors may lie in other files of their folder."""

_MOST_FILES = 10_000


def results_folder() -> Path:
    """Return the folder of the store that a user's pages and commands share."""
    return cache_folder("results")


def identity_of(path: str, options: ReadOptions) -> dict[str, Any] | None:
    """Return what tells a file and how it is read from any other; None where it cannot be told.

    That is with plug-ins, whose code nobody knows, in a folder of too many files, and for a file that cannot be read.
    """
    if any(set(registry) != set(registry.builtin) for registry in (TRANSFORMS, GROUPERS, FORMATS)):
        return None
    paths = [path, *(str(value) for value in vars(options).values() if isinstance(value, str | Path))]
    try:
        files = [_identity(Path(each)) for each in paths if each == path or os.path.exists(each)]
    except OSError:
        return None
    return {"files": files, "options": {key: str(value) for key, value in vars(options).items()}}


def without_seconds(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return an answer with report and layout, without the seconds that it took: they differ from run to run."""
    return {**answer, **{part: {**answer[part], "seconds": {}} for part in ("report", "layout")}}


def _identity(path: Path) -> list[Any]:
    """Return what tells that a file or a folder is as it was: names, sizes and times of all files that may be read for it."""
    path = path.resolve(strict=True)
    files = [path]
    if path.is_dir() or path.suffix.lower() in _READS_ITS_FOLDER:
        folder = path if path.is_dir() else path.parent
        inside = list(islice(folder.rglob("*"), _MOST_FILES + 1))
        if len(inside) > _MOST_FILES:
            raise OSError(f"{folder} holds more than {_MOST_FILES} files")
        files += sorted(each for each in inside if each.is_file())
    states = [(str(each), each.stat()) for each in files]
    return [[name, state.st_size, state.st_mtime_ns] for name, state in states]
