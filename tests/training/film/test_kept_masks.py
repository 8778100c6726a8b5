"""Runs that keep their masks: the frames are what moved, nothing else changes, and the limit of bytes never fails a run."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from sparselab.core.errors import SettingError, SparselabError
from sparselab.formats import read_ticket
from sparselab.training.runs import underway
from sparselab.training.runs.film import film_layers, read_film
from sparselab.training.runs.film.recording import FilmRecorder
from sparselab.training.runs.mask_history import updates_of
from sparselab.training.runs.paths import RunPaths
from sparselab.training.runs.run import train
from sparselab.training.runs.stages import level_name
from sparselab.training.runs.views import read_run
from sparselab.training.settings import TrainSettings
from tests.training.tiny import tiny

OLD = Path(__file__).parents[2] / "compatibility" / "fixtures" / "b015b54" / "data" / "runs"


def moving(method: str = "dsb", **changes: object) -> TrainSettings:
    told = {"method": method, "then": "", "sparsity": 0.6, "block_size": 4, "width": 0.25, "keep_masks": 1}
    return tiny(**told | ({} if method == "top-kast" else {"update_every": 1}) | changes)


@pytest.fixture(scope="module", params=["dsb", "rigl", "set", "top-kast"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place: Path = tmp_path_factory.mktemp("film") / request.param
    train(moving(request.param), place)
    return place


def test_a_frame_an_update_shows_what_the_events_count_and_the_last_one_is_the_ticket(folder: Path) -> None:
    view, film = read_run(folder), read_film(folder)
    updates = updates_of(view)
    ticket = read_ticket(view.ticket(level_name(1)))
    assert film_layers(view) == tuple(layer.name for layer in film.layers)
    assert [layer.mask(len(film) - 1) for layer in film.layers] == [
        ticket.found(layer.name).mask() for layer in film.layers
    ]
    assert [look.at for look in film.looks] == [event["step"] for event in view.events() if event["event"] == "epoch"]
    if view.info.settings.method == "top-kast":
        assert len(film) == view.info.total + 2
        return
    assert film.updates[-1] == len(updates)
    assert film.at == (0, *(update["step"] for update in updates), view.info.total)
    for place, update in enumerate(updates, start=1):
        pairs = [(layer.mask(place - 1), layer.mask(place)) for layer in film.layers]
        assert sum((after - before).count for before, after in pairs) == update["grown"]
        assert sum((before - after).count for before, after in pairs) == update["dropped"]


def test_keeping_masks_changes_nothing_but_the_name_of_the_run(tmp_path: Path) -> None:
    kept, plain = moving(keep_masks=2), moving(keep_masks=0)
    assert kept.digest != plain.digest
    assert plain.digest == TrainSettings(**{**vars(plain), "keep_masks": 0}).digest
    train(kept, tmp_path / "kept")
    train(plain, tmp_path / "plain")
    results = [json.loads((tmp_path / name / "results.json").read_text())["stages"][-1] for name in ("kept", "plain")]
    for told in results:
        del told["seconds"], told["events"]  # that holds the digits of times
    assert results[0] == results[1]
    assert not RunPaths(tmp_path / "plain").film.exists()
    film = read_film(tmp_path / "kept")
    assert all(number % 2 == 0 for number in film.updates[:-1])
    levels = read_film(tmp_path / "plain")
    assert (levels.unit, levels.at) == ("level", (1,))
    assert "--keep-masks 1" in levels.note
    with pytest.raises(SettingError, match="keep_masks"):
        train(moving(keep_masks=1), tmp_path / "kept", resume=True)


@pytest.mark.parametrize(("most_bytes", "frames"), [(10_000, 3), (10, 0)])
def test_the_limit_of_bytes_spaces_frames_out_or_keeps_none_and_says_so(
    most_bytes: int, frames: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(underway, "FilmRecorder", partial(FilmRecorder, most_bytes=most_bytes))
    said: list[str] = []
    train(moving(), tmp_path / "run", say=said.append)
    film = read_film(tmp_path / "run")
    assert RunPaths(tmp_path / "run").film.stat().st_size <= most_bytes + 1000  # and the header
    assert len(film) == frames
    assert film.note in said
    assert film.note
    assert read_run(tmp_path / "run").info.status == "finished"


def test_a_film_that_lost_frames_starts_anew_and_the_run_goes_on(tmp_path: Path) -> None:
    place, said = tmp_path / "run", []
    steps = [0]

    class Halting:
        """A monitor that asks to stop after the first epoch."""

        is_cancelled = False

        def progress(self, _stage: str, done: int = 0, _total: int = 0) -> None:
            steps.append(done)
            type(self).is_cancelled = done >= 3

        def check(self) -> None:
            """Nothing asks within a transform."""

    with pytest.raises(SparselabError):
        train(moving(), place, monitor=Halting())  # type: ignore[arg-type]
    RunPaths(place).film.unlink()
    train(moving(), place, resume=True, say=said.append)
    assert any("lost frames" in text for text in said)
    film = read_film(place)
    assert film.at[0] > 0
    assert read_run(place).info.status == "finished"


@pytest.mark.parametrize("run", sorted(OLD.iterdir()), ids=lambda path: path.name)
def test_an_old_run_shows_its_levels_and_why_not_more(run: Path) -> None:
    film = read_film(run)
    view = read_run(run)
    levels = [entry for entry in view.stages if entry["then"] is None]
    assert (film.unit, len(film)) == ("level", len(levels))
    assert film.note
    for place, entry in enumerate(levels):
        counts = {layer["name"]: layer["kept"] for layer in entry["layers"]}
        assert {layer.name: layer.mask(place).count for layer in film.layers} == counts
    if levels:
        name = film.layers[0].name
        np.testing.assert_equal(read_film(run, layer=name).layers[0].packed, film.layers[0].packed)
