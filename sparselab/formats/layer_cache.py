"""One layer of a file, remembered: what a worker is asked for again and again while knobs are turned."""

from __future__ import annotations

from functools import lru_cache

from sparselab.core.layer import Layer
from sparselab.formats.options import ReadOptions
from sparselab.formats.reading import read_ticket
from sparselab.formats.stamp import file_stamp


def load_layer(path: str, name: str, options: ReadOptions) -> Layer:
    """Return one layer of a file; the last two are kept, until the file changes. Raises: FileError when it is gone."""
    return _load(path, file_stamp(path, options.masks), name, options)


@lru_cache(maxsize=2)
def _load(path: str, _stamp: str, name: str, options: ReadOptions) -> Layer:
    return read_ticket(path, options)[name]
