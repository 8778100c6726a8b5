"""One layer of a file, remembered: what a worker is asked for again and again while knobs are turned."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from sparselab.core.layer import Layer
from sparselab.formats.options import ReadOptions
from sparselab.formats.reading import read_ticket


def load_layer(path: str, name: str, options: ReadOptions) -> Layer:
    """Return one layer of a file; the last two are kept, until the file changes. Raises: FileError when it is gone."""
    files = (path, *([options.masks] if options.masks is not None else []))
    return _load(path, tuple(map(_modified, files)), name, options)


def _modified(path: str) -> int:
    try:
        return Path(path).stat().st_mtime_ns
    except OSError:
        return 0  # the reader says it better


@lru_cache(maxsize=2)
def _load(path: str, _times: tuple[int, ...], name: str, options: ReadOptions) -> Layer:
    return read_ticket(path, options)[name]
