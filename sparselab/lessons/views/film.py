"""The film of a run's masks, frame by frame."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, ClassVar

import numpy as np
from typing_extensions import Doc

from sparselab.core.data_files import FILMS
from sparselab.core.errors import SettingError
from sparselab.lessons import svg
from sparselab.lessons.views.base import LessonView
from sparselab.lessons.words import Fact, Facts
from sparselab.training.runs.film import Film, read_film
from sparselab.training.runs.film.stability import block_chance, block_stability, kept_stability

_SIDE, _GAP = 210, 16


@dataclass(frozen=True)
class FilmOfRun(LessonView):
    """One layer of a film that comes with the package.

    Facts: frames, updates, first_step, last_step, rows, cols, density; kept_mean (share of the kept weights that stay from one frame to
    the next, mean over the frames), kept_whole (from the first to the last); where the masks are blocks, of pairs of rows in one group:
    together_first, together_last (that stay together over the first and over the last two frames), together_mean, together_whole, chance;
    accuracy_first, accuracy_last.
    """

    kind: ClassVar[str] = "film"

    film: Annotated[str, Doc("a film by its name")] = "dsb"
    layer: Annotated[str, Doc("a layer of it by its name; empty: its first")] = ""

    def __post_init__(self) -> None:
        known = sorted(path.stem for path in FILMS.glob("*.film"))
        if self.film not in known or not re.fullmatch(r"[a-z0-9-]+", self.film):
            raise SettingError(
                f"film: expected one of {', '.join(known) or 'none: none is here'}; got {self.film[:60]!r}"
            )
        assert self.read is not None  # it has the layer

    @property
    def read(self) -> Film:
        """The film of the layer."""
        return _film(self.film, self.layer)

    def facts(self) -> Facts:
        film = self.read
        layer = film.layers[0]
        found: dict[str, Fact] = {"frames": len(film), "updates": film.updates[-1]}
        found |= {"first_step": film.at[0], "last_step": film.at[-1], "rows": layer.shape[0], "cols": layer.shape[1]}
        found["density"] = layer.mask(len(film) - 1).density
        found |= {
            "kept_mean": _mean(kept_stability(layer.packed)),
            "kept_whole": _mean(kept_stability(layer.packed[[0, -1]])),
        }
        if layer.groups is not None:
            stays = block_stability(layer.groups)
            found |= {
                "together_first": float(stays[0]),
                "together_last": float(stays[-1]),
                "together_mean": _mean(stays),
            }
            found |= {
                "together_whole": _mean(block_stability(layer.groups[[0, -1]])),
                "chance": _mean(block_chance(layer.groups)),
            }
        if film.looks:
            found |= {"accuracy_first": film.looks[0].value, "accuracy_last": film.looks[-1].value}
        return {name: value for name, value in found.items() if not (isinstance(value, float) and np.isnan(value))}

    def drawing(self, alt: str, *, covered: bool = False, language: str = "en") -> str:
        film, parts = self.read, []
        frames = (0,) if covered else (0, len(film) // 2, len(film) - 1)
        for place, frame in enumerate(frames):
            x = place * (_SIDE + _GAP)
            parts.append(svg.text(x, 14, f"{film.unit} {film.at[frame]}", size=13))
            parts.append(svg.mask_pixels(x + 1, 22, _SIDE - 2, _SIDE, film.layers[0].mask(frame)))
        return svg.picture(len(frames) * (_SIDE + _GAP) - _GAP, _SIDE + 26, parts, alt)


def _mean(values: np.ndarray) -> float:
    return float(np.nanmean(values)) if len(values) else float("nan")


@lru_cache(maxsize=2)
def _film(name: str, layer: str) -> Film:
    path = FILMS / f"{name}.film"
    film = read_film(path, layer=layer or None)
    return film if layer else film.only(film.layers[0].name)
