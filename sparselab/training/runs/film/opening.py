"""The film of a run or of a file, whichever a path names."""

from __future__ import annotations

import os
from pathlib import Path

from sparselab.training.runs.film.film import Film
from sparselab.training.runs.film.reading import filmed_names, read_film_file


def read_film(path: str | os.PathLike[str], *, layer: str | None = None) -> Film:
    """Return the film in a file.

    Args: layer: read the masks of this layer alone.
    Raises: FileError, SettingError as `read_film_file`.
    """
    return read_film_file(Path(path), layer=layer)


def film_layers(path: str | os.PathLike[str]) -> tuple[str, ...]:
    """Return the names of the layers of a film. Raises: FileError."""
    return filmed_names(Path(path))
