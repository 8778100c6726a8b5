"""The film on the Training page: of updates, of levels, and what is said where there is none or it is damaged."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from sparselab.app.film_view import film_payload
from sparselab.core.paths import DATA_VARIABLE, runs_folder
from sparselab.runtime import messages
from sparselab.training.runs.film import film_of, read_film
from sparselab.training.runs.paths import RunPaths
from sparselab.training.runs.queue import submit
from sparselab.training.runs.run import train
from sparselab.training.runs.views import read_run
from tests.app.test_training_page import page
from tests.training.tiny import tiny


@pytest.fixture(autouse=True)
def _data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path / "data"))
    monkeypatch.setattr("sparselab.training.runs.queue._start", lambda folder: None)
    monkeypatch.setattr("sparselab.app.training.curves.study_outcomes", lambda: ())


def shown(folder: Path, **query: str) -> AppTest:
    at = page(run=folder.name, training_tab="This run", **query)
    assert not at.exception
    return at


def layers(at: AppTest) -> tuple[list[str], str]:
    (box,) = [box for box in at.selectbox if box.label == "Layer of the film"]
    return list(box.options), str(box.value)


def test_a_run_shows_its_film_and_a_link_names_the_layer() -> None:
    settings = tiny(method="dsb", then="", sparsity=0.6, block_size=4, update_every=1, width=0.25, keep_masks=1)
    folder = submit(runs_folder(), settings)
    train(settings, folder, resume=True)
    names = [layer.name for layer in read_film(folder).layers]
    assert layers(shown(folder)) == (names, names[-1])
    assert layers(shown(folder, film_layer=names[0])) == (names, names[0])
    film = film_of(read_run(folder), layer=names[0])
    told = messages.load(film_payload(film))
    assert (told["title"], len(told["at"]), told["unit"]) == (names[0], len(film), "step")
    assert len(told["kept"]) == len(told["blocks"]) == len(film) - 1
    path = RunPaths(folder).film
    path.write_bytes(path.read_bytes()[:40])
    assert any("film" in error.value for error in shown(folder).error), "damaged: a sentence, and the rest of the page"


def test_a_run_that_kept_none_shows_levels_and_one_without_any_says_how_to_get_a_film() -> None:
    folder = submit(runs_folder(), tiny())
    assert any("--keep-masks 1" in info.value for info in shown_waiting(folder).info)
    train(tiny(), folder, resume=True)
    film = read_film(folder)
    assert (film.unit, film.at) == ("level", (0, 1))
    assert film.layers[0].mask(0).sparsity == 0
    assert layers(shown(folder))[0] == [layer.name for layer in film.layers]
    assert film.note in str(messages.load(film_payload(film))["note"])


def shown_waiting(folder: Path) -> AppTest:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sparselab.app.training.run._BUSY", ())  # nothing will come: look once
        return shown(folder)
