"""The page Learn: every lesson and step opens by its link, a guess is no condition, and links mean what they say."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from sparselab.app.learn.drawn import DRAWN
from sparselab.app.shell.address import fixed_keys
from sparselab.lessons.catalogue import LESSONS, lesson_key
from sparselab.lessons.lesson import Lesson
from sparselab.lessons.loading import read_lesson
from sparselab.lessons.ready import facts_of, ready_facts
from sparselab.lessons.views import VIEWS
from sparselab.lessons.words import filled
from tests.browsing import PATIENCE_S
from tests.lessons.written import write

ROOT = Path(__file__).resolve().parents[3]
READ: dict[str, Lesson] = {name: read_lesson(folder) for name, folder in LESSONS.items()}


def page(**query: str) -> AppTest:
    at = AppTest.from_file(str(ROOT / "pages" / "learn.py"), default_timeout=PATIENCE_S)
    for key, value in query.items():
        at.query_params[key] = value
    return quiet(at.run())


def quiet(at: AppTest) -> AppTest:
    assert not at.exception
    assert not at.error, [each.value for each in at.error]
    return at


def said(at: AppTest) -> str:
    return "\n".join(each.value for each in (*at.markdown, *at.caption))


@pytest.mark.parametrize("kind", list(DRAWN))
def test_every_kind_of_view_is_drawn(kind: str) -> None:
    assert set(DRAWN) == set(VIEWS)
    assert VIEWS[kind].kind == kind


def test_every_control_of_a_view_has_a_key_or_is_a_knob() -> None:
    keys = fixed_keys("learn")
    for lesson in READ.values():
        for step in lesson.steps:
            own = {name for name in step.view.controls if name in type(step.view).__dataclass_fields__}
            assert own <= keys.keys(), (lesson.name, step.file)


@pytest.mark.parametrize("name", READ)
def test_every_step_opens_in_every_language_and_reveals_without_a_guess(name: str) -> None:
    lesson, ready = READ[name], ready_facts(LESSONS[name])
    language = "zh" if list(READ).index(name) % 2 else "en"  # by turns
    at = page(lesson=lesson_key(name), language=language)
    for step in lesson.steps:
        words, _ = step.in_language(language)
        facts = facts_of(step.view, ready)
        assert filled(words.body, facts) in said(at)
        if step.question is not None:
            assert filled(words.reveal, facts) not in said(at)
            quiet(at.button(key="_lesson_forward").click().run())
            assert filled(words.reveal, facts) in said(at)
        if step.number < len(lesson.steps):
            quiet(at.button(key="_lesson_forward").click().run())
    assert at.button(key="_own_mask")


def test_the_cards_name_every_lesson_and_open_it() -> None:
    at = page()
    assert [each.value for each in at.subheader] == ["Learn"]
    name = next(iter(READ))
    quiet(at.button(key=f"_start_{name}").click().run())
    assert READ[name].words["en"].title in at.subheader[0].value
    quiet(at.button(key="_all_lessons").click().run())
    assert [each.value for each in at.subheader] == ["Learn"]


def lesson_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **query: str) -> AppTest:
    """The page on a lesson of this test's own, by its path."""
    monkeypatch.setenv("SPARSELAB_ROOTS", str(tmp_path))
    return page(path=str(write(tmp_path / "lesson")), **query)


def test_a_guess_is_kept_and_shown_beside_the_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at = lesson_at(tmp_path, monkeypatch)
    assert "They share" not in said(at)
    quiet(at.radio[0].set_value("similarity_1_2").run())
    quiet(at.button(key="_lesson_forward").click().run())
    assert "Answer: **first and third** (Your guess: first and second)" in said(at)
    assert "They share 2 of 2 columns: 100%." in said(at)
    quiet(at.button(key="_lesson_forward").click().run())
    assert "Count." in said(at)
    quiet(at.button(key="_lesson_back").click().run())
    assert "Your guess: first and second" in said(at)


def test_a_covered_picture_has_its_own_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at = lesson_at(tmp_path, monkeypatch)
    assert "Two of 3 rows." in said(at)
    assert "Two rows, compared." not in said(at)
    quiet(at.button(key="_lesson_forward").click().run())
    assert "Two rows, compared." in said(at)
    assert "Two of 3 rows." not in said(at)


def test_controls_of_the_link_are_those_that_are_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for controls, count in (("", 1), ("all", 1), ("none", 0), ("kept", 1)):
        told = {"controls": controls} if controls else {}
        at = lesson_at(tmp_path, monkeypatch, step="2", **told)
        assert len([each for each in at.slider if each.key == "kept"]) == count, controls
    at = lesson_at(tmp_path, monkeypatch, step="2", controls="kept,nonsense")
    assert any("nonsense" in each.value for each in at.warning)


@pytest.mark.parametrize(("query", "told"), [({"step": "9"}, "9"), ({"step": "a"}, "a"), ({"colour": "red"}, "colour")])
def test_what_means_nothing_in_a_link_is_said_once(
    query: dict[str, str], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = lesson_at(tmp_path, monkeypatch, **query)
    (warning,) = at.warning
    assert told in warning.value
    assert "A 2 x 4 grid" in said(at)


def test_a_translation_that_is_not_whole_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at = lesson_at(tmp_path, monkeypatch, language="zh")
    assert "有 3 行" in said(at)
    assert "shown in English" in said(at)


def test_paths_are_those_that_the_operator_allows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPARSELAB_ROOTS", str(tmp_path / "other"))
    at = AppTest.from_file(str(ROOT / "pages" / "learn.py"), default_timeout=PATIENCE_S)
    at.query_params["path"] = str(write(tmp_path / "lesson"))
    at.run()
    assert not at.exception
    assert [each.value for each in at.error]
    assert "A 2 x 4 grid" not in said(at)


def test_what_is_turned_is_counted_anew_each_control_beside_the_others() -> None:
    at = page(lesson="6", step="3")
    quiet(at.button(key="_lesson_forward").click().run())
    as_written = counted(at)
    quiet(at.number_input(key="rows_per_group").set_value(64).run())
    higher = counted(at)
    quiet(at.number_input(key="density").set_value(0.5).run())
    assert len({as_written, higher, counted(at)}) == 3
    quiet(at.number_input(key="rows_per_group").set_value(8).run())
    both = counted(at)
    assert len({as_written, higher, both}) == 3


def counted(at: AppTest) -> str:
    return next(each.value for each in at.caption if "random groups" in each.value)


def test_curves_are_read_where_the_slider_ends_and_a_link_beyond_is_said() -> None:
    at = page(lesson="9", step="3")
    for value in (at.slider(key="kept").min, at.slider(key="kept").max):
        quiet(at.slider(key="kept").set_value(value).run())
        assert "left out" in said(at)
        assert "**IMP (unstructured)**" in said(at)
    at = page(lesson="9", step="3", kept="0.002")
    assert any("kept" in each.value and "expected" in each.value for each in at.warning)
