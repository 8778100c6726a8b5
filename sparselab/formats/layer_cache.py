"""One layer of a file, remembered: what a worker is asked for again and again while knobs are turned."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from sparselab.core.layer import Layer
from sparselab.formats.options import ReadOptions
from sparselab.formats.reading import read_ticket


def load_layer(path: str, name: str, options: ReadOptions) -> Layer:
    """Return one layer of a file; the last two are kept, until the file changes. Raises: FileError when it is gone."""
    try:
        modified = Path(path).stat().st_mtime_ns
    except OSError:
        modified = 0  # the reader says it better
    return _load(path, modified, name, options)


@lru_cache(maxsize=2)
def _load(path: str, _modified: int, name: str, options: ReadOptions) -> Layer:
    return read_ticket(path, options)[name]
