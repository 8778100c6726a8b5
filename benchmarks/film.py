"""Record the film that comes with the project: one layer of a network trained by DSB, at every update of its mask.

    python -m benchmarks.film            train in a temporary folder, and write sparselab/data/films/dsb.film
    python -m benchmarks.film FOLDER     take the run in FOLDER, trained with these settings, instead

The run is that of the page's preset for DSB: `vgg-small` on `digits`, nine weights in ten dropped, seed 0. What its curves say is in
docs/training.md.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from sparselab.core.data_files import DSB_FILM
from sparselab.training.runs.film import Film, read_film
from sparselab.training.runs.film.reading import write_film
from sparselab.training.runs.film.stability import block_chance, block_stability, kept_stability
from sparselab.training.runs.run import train
from sparselab.training.settings import TrainSettings

SETTINGS = TrainSettings(method="dsb", sparsity=0.9, keep_masks=1, threads=1)
LAYER = "features.12"
MOST_BYTES = 500_000


def main() -> None:
    """Train, keep one layer, and say what the film shows."""
    if len(sys.argv) > 1:
        film = read_film(sys.argv[1])
    else:
        with tempfile.TemporaryDirectory() as folder:
            train(SETTINGS, Path(folder) / "run", say=print)
            film = read_film(Path(folder) / "run")
    for layer in film.layers:
        print(f"{layer.name}, {layer.shape[0]} x {layer.shape[1]}: {described(film.only(layer.name))}")
    DSB_FILM.parent.mkdir(exist_ok=True)
    write_film(replace(film.only(LAYER), title=f"{film.title}, {LAYER}"), DSB_FILM)
    size = DSB_FILM.stat().st_size
    if size > MOST_BYTES:
        raise SystemExit(f"expected a film of at most {MOST_BYTES:,} bytes; it has {size:,}: keep a smaller layer")
    print(f"{DSB_FILM.name}: {LAYER}, {len(film)} frames, {size:,} bytes, {size / len(film):,.0f} a frame")


def described(film: Film) -> str:
    """Return the means of the stabilities over thirds of the updates, and the correlation of each with the number of the update."""
    layer = film.layers[0]
    moved = np.flatnonzero(np.diff(film.updates))  # not the end, where nothing moves any more
    assert layer.groups is not None
    told = []
    for name, values in (
        ("kept", kept_stability(layer.packed)),
        ("blocks", block_stability(layer.groups)),
        ("chance", block_chance(layer.groups)),
    ):
        thirds = [f"{part.mean():.3f}" for part in np.array_split(values[moved], 3)]
        told.append(f"{name} {' '.join(thirds)}")
    return "; ".join(told)


if __name__ == "__main__":
    main()
