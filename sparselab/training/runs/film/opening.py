"""The film of a run or of a file, whichever a path names."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from sparselab.core.errors import FileError
from sparselab.training.runs.film.film import Film, MeasuredAt
from sparselab.training.runs.film.levels import film_of_levels, level_layers
from sparselab.training.runs.film.reading import filmed_names, read_film_file
from sparselab.training.runs.paths import RunPaths
from sparselab.training.runs.views import RunView, read_run
from sparselab.training.tasks import ACCURACY


def read_film(path: str | os.PathLike[str], *, layer: str | None = None) -> Film:
    """Return the film in a file, or of the run in a folder: what it kept while masks moved, else its levels. Needs no torch.

    Args: layer: read the masks of this layer alone.
    Raises: FileError where there is neither, or it is damaged, or asks for more memory than a film may take; SettingError where there
        is no layer of that name.
    Example: >>> from sparselab.core.data_files import DSB_FILM
             >>> film = read_film(DSB_FILM)
             >>> film.unit, film.at[0], film.layers[0].mask(0).shape == film.layers[0].shape
             ('step', 0, True)
    """
    path = Path(path)
    return film_of(read_run(path), layer=layer) if path.is_dir() else read_film_file(path, layer=layer)


def film_of(view: RunView, *, layer: str | None = None) -> Film:
    """Return the film of a run as far as it is. Raises: FileError, SettingError as `read_film`."""
    path = RunPaths(view.info.folder).film
    if not path.is_file():
        return film_of_levels(view, layer=layer)
    film = read_film_file(path, layer=layer)
    try:
        looks = tuple(_looks(event for event in view.events() if event.get("stage") == film.stage))
        metric = next((event["metric"] for event in view.events() if "metric" in event), ACCURACY.name)
    except (KeyError, TypeError, ValueError):
        raise FileError(f"expected the events of a run in {view.info.folder}; they are damaged") from None
    return replace(film, looks=looks, metric=metric)


def film_layers(view: RunView) -> tuple[str, ...]:
    """Return the names of the layers of a run's film; none where there is no frame yet. Raises: FileError."""
    path = RunPaths(view.info.folder).film
    return filmed_names(path) if path.is_file() else level_layers(view)


def _looks(events: Iterator[Mapping[str, Any]]) -> Iterator[MeasuredAt]:
    for event in events:
        if event["event"] == "epoch":
            value = event["validation"] if "metric" in event else event["validation_accuracy"]
            yield MeasuredAt(int(event["step"]), float(value))
