"""The tab Sweep, and what the page says when it cannot be known what random groups keep; a tiny file of one's own."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from sparselab.app.explore.sweep_points import SweptPoint, as_csv, in_words
from sparselab.app.jobs import chance_job
from sparselab.app.shell.address import query_of
from sparselab.transforms import Regroup
from sparselab.workflows.chance import Chance
from sparselab.workflows.explore import explore
from sparselab.workflows.sweep import Sweep, sweep_of
from tests.browsing import PATIENCE_S

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("SPARSELAB_ROOTS", str(tmp_path))
    monkeypatch.setenv("SPARSELAB_CACHE", str(tmp_path / "cache"))
    rng = np.random.default_rng(0)
    kept = rng.random((48, 64)) < 0.2
    np.savez(tmp_path / "net.npz", fc=np.where(kept, rng.standard_normal(kept.shape), 0).astype(np.float32))
    return str(tmp_path / "net.npz")


def opened(path: str, **query: str) -> AppTest:
    at = AppTest.from_file(str(ROOT / "pages" / "explore.py"), default_timeout=PATIENCE_S)
    for name, value in ({"source": "Path", "path": path} | query).items():
        at.query_params[name] = value
    at.run()
    assert not at.exception
    return at


def address(at: AppTest) -> dict[str, str]:
    return query_of("explore", at.session_state["_address"])


def test_one_click_sweeps_and_a_point_sets_the_knobs(path: str) -> None:
    at = opened(path, tab="Sweep", knn="4")
    at.button(key="_sweep_start").click().run()
    assert not at.exception
    assert any("Most is kept" in text.value and "random groups" in text.value for text in at.markdown)
    points = at.selectbox(key="_sweep_point").options
    assert len(points) == 25
    assert address(at)["sweep"] == "true"
    at.selectbox(key="_sweep_point").select_index(1).run()
    at.button(key="_sweep_set").click().run()
    assert {"rows_per_group": "16", "density": "0.1", "knn": "4"}.items() <= address(at).items()
    kept = next(metric.value for metric in at.metric if metric.label == "Energy kept")
    assert f"{kept[:-2]} % kept" in points[1], "the page says of the point what the sweep did"
    assert at.selectbox(key="_sweep_point").options == points, "the same sweep wherever the knobs stand"
    assert any("The ring is where the knobs stand" in text.value for text in at.caption)


def test_what_has_nothing_to_sweep_says_so(path: str) -> None:
    at = opened(path, tab="Sweep", transform="refill")
    assert [info.value for info in at.info] == ["Refill has no number to sweep."]


def test_that_chance_is_not_known_is_said_and_can_be_tried_again(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(chance_job, "chance_row", explore)  # it fails in the worker: these are not its arguments
        at = opened(path)
    assert any(text.value.startswith("What random groups keep is not known") for text in at.caption)
    assert not any("being counted" in text.value for text in at.markdown)
    at.button(key="_chance_again").click().run()
    assert not at.exception
    assert not any("is not known" in text.value for text in at.caption)
    assert any("random groups" in text.value for text in at.markdown)


def points(worth: float, chance: tuple[float, float, float] | None) -> tuple[Sweep, list[SweptPoint]]:
    sweep = sweep_of(Regroup, {}, 0.2)
    assert not isinstance(sweep, str)
    told = {"coverage": worth, "energy": None, "density_after": 0.2, "blocks": 2}
    drawn = None if chance is None else Chance(*chance, 8)
    return sweep, [SweptPoint(point, told, drawn) for point in sweep.points]


@pytest.mark.parametrize(
    ("worth", "chance", "words"),
    [
        (0.5, (0.4, 0.38, 0.42), "**+10.0 points**"),
        (0.4, (0.4, 0.38, 0.42), "At every point random groups keep as much"),
        (0.4, None, "**40.0 %** of the kept weights."),
    ],
)
def test_the_words_and_the_table_say_what_was_found(
    worth: float, chance: tuple[float, float, float] | None, words: str
) -> None:
    sweep, found = points(worth, chance)
    assert words in in_words(sweep, found)
    rows = list(csv.DictReader(io.StringIO(as_csv(sweep, found))))
    assert [row["rows_per_group"] for row in rows] == [str(point.value) for point in sweep.points]
    assert {row["kept"] for row in rows} == {str(worth)}
    assert {row["gain"] for row in rows} == ({""} if chance is None else {str(worth - chance[0])})
