"""What is wrong with a lesson, all of it, each with its file and key: for who writes one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from sparselab.core.errors import FileError, SettingError, SparselabError
from sparselab.lessons.answers import true_answer
from sparselab.lessons.lesson import ENGLISH, Lesson, LessonStep, LessonWords
from sparselab.lessons.loading import LESSON_FILE, READY_FILE, read_lesson
from sparselab.lessons.ready import differences, ready_facts, view_key
from sparselab.lessons.words import Facts, bare_numbers, filled, holds_plain


def problems(folder: Path) -> tuple[str, ...]:
    """Return a sentence for everything that is wrong with the lesson in a folder; all facts are computed anew for it.

    A lesson that cannot be read has one problem: the first.
    """
    try:
        lesson = read_lesson(folder)
        ready = ready_facts(folder)
    except FileError as error:
        return (str(error),)
    return (*_own_problems(lesson), *(each for step in lesson.steps for each in _step_problems(step, ready)))


def _own_problems(lesson: Lesson) -> Iterator[str]:
    texts = {
        f"{LESSON_FILE}: {'' if code == ENGLISH else code + '.'}{name}": getattr(words, name)
        for code, words in lesson.words.items()
        for name in LessonWords.__dataclass_fields__
    }
    yield from _number_problems(texts, lesson.plain, f"{LESSON_FILE}: plain")
    for name, text in texts.items():
        try:
            filled(text, {})
        except SettingError as error:
            yield f"{name}: {error}"


def _step_problems(step: LessonStep, ready: Mapping[str, Facts]) -> Iterator[str]:
    try:
        facts = step.view.facts()
    except SparselabError as error:
        yield f"{step.file}: view: {error}"
        return
    texts = {
        f"{step.file}: {'' if code == ENGLISH else code + ': '}{name}": text
        for code, words in step.words.items()
        for name, text in words.texts().items()
    }
    yield from _number_problems(texts, step.plain, f"{step.file}: plain")
    for name, text in texts.items():
        try:
            filled(text, facts)
        except SettingError as error:
            yield f"{name}: {error}"
    if step.question is not None:
        try:
            true_answer(step.question, facts)
        except SettingError as error:
            yield f"{step.file}: question.answer: {error}"
    stored = ready.get(view_key(step.view))
    if stored is not None and (names := differences(facts, stored)):
        yield f"{READY_FILE}: {step.file}: expected the facts that are computed now; got others: {', '.join(names)}: write it anew with lesson build"


def _number_problems(texts: Mapping[str, str], plain: Sequence[str], where: str) -> Iterator[str]:
    for name, text in texts.items():
        if numbers := bare_numbers(text, plain):
            yield (
                f"{name}: expected numbers as placeholders of facts, or named in plain where they state no result; "
                f"got {', '.join(dict.fromkeys(numbers))}"
            )
    for each in plain:
        if not any(holds_plain(text, each) for text in texts.values()):
            yield f"{where}: expected numbers that a text has; got {each!r}, which none has"
