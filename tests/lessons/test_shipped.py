"""Every lesson that there is: nothing is wrong with it, and what was computed ahead is what is computed now."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from sparselab.lessons.catalogue import LESSONS, lesson_folder, lesson_key
from sparselab.lessons.checking import problems
from sparselab.lessons.lesson import LANGUAGES
from sparselab.lessons.loading import read_lesson
from sparselab.lessons.ready import ready_facts, view_key
from sparselab.lessons.sheet import sheet
from sparselab.lessons.views import VIEWS
from sparselab.lessons.views.base import LessonView
from tests.lessons.written import write

NAMES = list(LESSONS)
EXAMPLES: dict[str, LessonView] = {
    "toy": VIEWS["toy"](mode="count", groups=("0 1", "2 3 4 5 6 7"), pair="0 1"),  # type: ignore[call-arg]
    "mask": VIEWS["mask"](sample="planted", layer="conv.weight", transform="regroup"),  # type: ignore[call-arg]
    "similarity": VIEWS["similarity"](kernels=("##.", ".##", "#.#")),  # type: ignore[call-arg]
    "blind": VIEWS["blind"](masks=("planted/conv.weight", "random/conv.weight")),  # type: ignore[call-arg]
    "motion": VIEWS["motion"](sample="planted", layer="conv.weight"),  # type: ignore[call-arg]
    "latency": VIEWS["latency"](sessions=("85240de20fd429d0",)),  # type: ignore[call-arg]
    "curves": VIEWS["curves"](series=("Regroup", "Refill+"), kept=0.5),  # type: ignore[call-arg]
    "film": VIEWS["film"](),
    "text": VIEWS["text"](),
}


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_wrong_with_a_lesson_and_its_facts_lie_ready(name: str) -> None:
    folder = LESSONS[name]
    assert problems(folder) == ()  # all facts computed anew, and compared
    lesson, ready = read_lesson(folder), ready_facts(folder)
    assert all(view_key(step.view) in ready for step in lesson.steps if step.view.kind != "text")
    assert lesson_folder(lesson_key(name)) == folder


@pytest.mark.parametrize("name", list(LESSONS.builtin))
def test_a_lesson_of_the_package_is_short_and_whole_in_every_language(name: str) -> None:
    lesson = read_lesson(LESSONS[name])
    assert lesson.minutes <= 8
    assert lesson.sources
    for language in LANGUAGES:
        assert not lesson.in_language(language)[1], language
        for step in lesson.steps:
            assert not step.in_language(language)[1], (language, step.file)


@pytest.mark.parametrize("kind", list(VIEWS))
def test_every_kind_of_view_counts_and_draws(kind: str) -> None:
    view = EXAMPLES[kind]
    facts = view.facts()
    assert all(type(value) in (int, float, str) for value in facts.values())
    drawn = {
        view.drawing('<&"', covered=covered, language=language) for covered in (True, False) for language in LANGUAGES
    }
    if kind == "text":
        assert (facts, drawn) == ({}, {""})
        return
    assert facts
    for text in drawn:
        root = ElementTree.fromstring(text)
        assert root.get("aria-label") == '<&"'
        assert not any("script" in each.tag for each in root.iter())


def test_a_sheet_has_questions_first_and_nothing_that_runs(tmp_path: Path) -> None:
    page = sheet(read_lesson(write(tmp_path / "lesson")), {})
    assert "<script" not in page
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "")
    first, answers = page.index("Which pair?"), page.index("Answers: A title")
    assert first < page.index("哪一对？") < answers
    assert "They share 2 of 2 columns: 100%." in page[answers:]
    assert "They share" not in page[:answers]
    assert "Two of 3 rows." in page[:answers]
    assert "Two rows, compared." not in page[:answers]
    assert "Two rows, compared." in page[answers:]
    assert "两个核" in page[answers:]
