"""The film of a run: its masks frame by frame, kept while it trains (`keep_masks`) or put together from its levels."""

from sparselab.training.runs.film.film import Film, FilmedLayer, MeasuredAt
from sparselab.training.runs.film.opening import film_layers, film_of, read_film

__all__ = ["Film", "FilmedLayer", "MeasuredAt", "film_layers", "film_of", "read_film"]
