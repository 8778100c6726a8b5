"""A lesson read from its folder: `lesson.toml` and the steps `1-NAME.md`, `2-NAME.md`, ... with their translations.

The folder may be a stranger's: sizes and counts are bounded before anything is read, and nothing in it is executed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from sparselab.core.errors import FileError, SettingError
from sparselab.lessons.lesson import (
    ENGLISH,
    LANGUAGES,
    MOST_STEPS,
    SCHEMA,
    Lesson,
    LessonStep,
    LessonWords,
    Question,
    StepWords,
)
from sparselab.lessons.reading import Table, read_toml, shown
from sparselab.lessons.views import read_view
from sparselab.lessons.words import LONGEST_TEXT
from sparselab.transforms import TRANSFORMS

LESSON_FILE, READY_FILE = "lesson.toml", "ready.json"
FENCE, REVEAL = "+++", "---reveal---"

_MOST_BYTES = 64 * 2**10
_MOST_FILES = 64
_STEP = re.compile(r"([1-9][0-9]?)-([a-z0-9][a-z0-9-]{0,59})(?:\.([a-z]{2}))?\.md")
_KEY = re.compile(r"[a-z0-9][a-z0-9_-]{0,59}")
_STRANGE = re.compile(r"!\[|<[a-zA-Z/!?]|\$")  # also no TeX: nothing on paper draws it
_FORM = re.compile(r"[+]?[,]?(?:\.[0-9])?[fg%]")


def read_lesson(folder: str | os.PathLike[str]) -> Lesson:
    """Return the lesson in a folder.

    Raises: FileError that names the file, the key or line, what was expected and what came.
    """
    place = Path(folder)
    files = _files(place)
    if LESSON_FILE not in files:
        raise FileError(f"expected a folder with a file {LESSON_FILE}; got {shown(place.name)} without one")
    table = read_toml(LESSON_FILE, _text(place / LESSON_FILE))
    number = table.get("schema", int)
    if number != SCHEMA:
        raise table.error("schema", f"expected {SCHEMA}, the form that this version reads; got {number}")
    minutes = table.get("minutes", int)
    if not 1 <= minutes <= 60:
        raise table.error("minutes", f"expected a whole number from 1 to 60; got {minutes}")
    transform, settings = _explore(table.table("explore"))
    words = {ENGLISH: _lesson_words(table, "title")}
    for code in LANGUAGES:
        if code != ENGLISH and code in table.values:
            own = table.table(code)
            words[code] = _lesson_words(own)
            own.end()
    lesson = Lesson(
        name=place.resolve().name,
        minutes=minutes,
        sources=table.texts("sources"),
        plain=table.texts("plain"),
        transform=transform,
        settings=settings,
        words=MappingProxyType(words),
        steps=_steps(place, files),
    )
    table.end()
    return lesson


def _files(folder: Path) -> tuple[str, ...]:
    try:
        with os.scandir(folder) as entries:
            names: list[str] = []
            for entry in entries:
                if len(names) >= _MOST_FILES:
                    raise FileError(f"expected a lesson's folder of at most {_MOST_FILES} files; got more")
                names.append(entry.name)
    except OSError:
        raise FileError(
            f"expected a lesson's folder; got {shown(folder.name)}, which is none that can be read"
        ) from None
    return tuple(sorted(names))


def _text(path: Path) -> str:
    try:
        if not path.is_file():
            raise FileError(f"{path.name}: expected a file; got something else")
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
    except OSError:
        raise FileError(f"{path.name}: expected a file that can be read; got none") from None
    if len(data) > _MOST_BYTES:
        raise FileError(f"{path.name}: expected at most {_MOST_BYTES:,} bytes; got more")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileError(f"{path.name}: expected UTF-8; got something else at byte {error.start}") from None
    return text.replace("\r\n", "\n")


def _explore(table: Table) -> tuple[str, Mapping[str, object]]:
    transform = table.text("transform", "regroup")
    settings = table.get("settings", dict, {})
    table.end()
    if transform not in TRANSFORMS:
        raise table.error("transform", f"expected one of {', '.join(TRANSFORMS)}; got {shown(transform)}")
    try:
        TRANSFORMS[transform](**settings)
    except (SettingError, TypeError) as error:
        raise table.error("settings", f"expected settings of {transform}; got others: {error}") from None
    return transform, settings


def _lesson_words(table: Table, *needed: str) -> LessonWords:
    default = None if needed else ""
    return LessonWords(
        title=table.text("title", default, longest=80),
        idea=table.text("idea", default),
        simplified=table.text("simplified", default, longest=1_000),
    )


def _steps(folder: Path, files: tuple[str, ...]) -> tuple[LessonStep, ...]:
    texts: dict[tuple[int, str], str] = {}
    for name in files:
        if not name.endswith(".md"):
            continue
        match = _STEP.fullmatch(name)
        if match is None:
            raise FileError(f"{shown(name)}: expected a name such as 1-cells.md or 1-cells.zh.md; got another")
        language = match[3] or ENGLISH
        if language not in LANGUAGES:
            raise FileError(f"{name}: expected a language of {', '.join(LANGUAGES)}; got {language}")
        if (key := (int(match[1]), language)) in texts:
            raise FileError(f"{name}: expected one file a step and language; got {texts[key]} as well")
        texts[key] = name
    numbers = sorted({number for number, _ in texts})
    if not numbers or numbers != list(range(1, len(numbers) + 1)) or len(numbers) > MOST_STEPS:
        said = ", ".join(map(str, numbers)) or "none"
        raise FileError(f"steps: expected files numbered 1, 2, 3, ... without a gap, at most {MOST_STEPS}; got {said}")
    return tuple(_step(folder, number, texts) for number in numbers)


def _step(folder: Path, number: int, texts: Mapping[tuple[int, str], str]) -> LessonStep:
    if (number, ENGLISH) not in texts:
        raise FileError(f"step {number}: expected a file {number}-NAME.md in English; got translations only")
    file = texts[number, ENGLISH]
    table, body, reveal = _parts(file, _text(folder / file))
    words = {ENGLISH: _step_words(table, body, reveal, None)}
    view = read_view(table.table("view", needed=True))
    controls = table.texts("controls")
    for name in controls:
        if name not in view.controls:
            allowed = ", ".join(view.controls) or f"none: a view of the kind {view.kind} has none"
            raise table.error("controls", f"expected one of {allowed}; got {shown(name)}")
    question = _question(table) if "question" in table.values else None
    if (question is None) != (not reveal):
        raise FileError(f"{file}: expected a question and a text after {REVEAL}, or neither; got one of them")
    covered = table.get("covered", bool, question is not None)
    if view.needs_picture and not words[ENGLISH].picture:
        raise table.error("picture", "expected a sentence that says what the picture means; got nothing")
    if words[ENGLISH].covered_picture and not covered:
        raise table.error("covered_picture", "expected only in a step that is covered; got one in a step that is not")
    plain = table.texts("plain")
    table.end()
    for code in LANGUAGES:
        translation = texts.get((number, code))
        if translation is not None and code != ENGLISH:
            own, body, reveal = _parts(translation, _text(folder / translation))
            words[code] = _step_words(own, body, reveal, question)
            own.end()
    return LessonStep(number, file, view, controls, plain, question, covered, MappingProxyType(words))


def _parts(file: str, text: str) -> tuple[Table, str, str]:
    """Return the front matter, what is read at first, and what after the reveal."""
    lines = text.split("\n")
    if lines[0].strip() != FENCE or FENCE not in (line.strip() for line in lines[1:]):
        raise FileError(f"{file}: expected TOML between two lines {FENCE} at the top; got {shown(lines[0])}")
    end = next(number for number, line in enumerate(lines) if number and line.strip() == FENCE)
    table = read_toml(file, "\n".join(lines[1:end]), first_line=2)
    parts = "\n".join(line if line.strip() != REVEAL else REVEAL for line in lines[end + 1 :]).split(f"\n{REVEAL}\n")
    if len(parts) > 2:
        raise FileError(f"{file}: expected one line {REVEAL} at most; got {len(parts) - 1}")
    body, reveal = (part.strip() for part in (*parts, "")[:2])
    for name, each in (("the text", body), ("the reveal", reveal)):
        if len(each) > LONGEST_TEXT:
            raise FileError(f"{file}: expected at most {LONGEST_TEXT:,} characters; got {len(each):,} as {name}")
    return table, body, reveal


def _step_words(table: Table, body: str, reveal: str, of: Question | None) -> StepWords:
    """of: of a translation, the step's own question, whose options it may name."""
    is_english = "view" in table.values
    asked = table.table("question")
    options = asked.table("options")
    texts = {key: options.text(key, longest=120) for key in options.values}
    words = StepWords(
        title=table.text("title", None if is_english else "", longest=120),
        picture=table.text("picture", "", longest=600),
        covered_picture=table.text("covered_picture", "", longest=600),
        body=body,
        reveal=reveal,
        ask=asked.text("ask", None if is_english and "question" in table.values else "", longest=400),
        options=MappingProxyType(texts),
    )
    for name, text in words.texts().items():
        if strange := _STRANGE.search(text):
            where = f"{table.file}: {name or 'the text'}"
            raise FileError(f"{where}: expected Markdown without HTML, images and TeX; got {shown(strange[0])}")
    if not is_english:
        if of is not None:
            for key in texts:
                if key not in of.options:
                    raise options.error(
                        key, f"expected one of {', '.join(of.options) or 'no options'}; got another key"
                    )
        asked.end()
    return words


def _question(table: Table) -> Question:
    asked = table.table("question")
    kind = asked.text("kind")
    if kind not in ("choice", "slider", "number"):
        raise asked.error("kind", f"expected one of choice, slider, number; got {shown(kind)}")
    answer = asked.text("answer")
    asked.text("ask", longest=400)
    if kind == "choice":
        options = tuple(asked.get("options", dict))
        if not 2 <= len(options) <= 6 or not all(_KEY.fullmatch(key) for key in options):
            raise asked.error("options", f"expected two to six, under keys of small letters; got {shown(options)}")
        asked.end()
        return Question(kind, answer, options)
    low, high, step = asked.get("low", float), asked.get("high", float), asked.get("step", float, 0.01)
    if not (-1e9 <= low < high <= 1e9 and 0 < step <= high - low):
        raise asked.error("high", f"expected low < high and a step between them; got {low:g}, {high:g}, {step:g}")
    form = asked.text("format", ".0%")
    if not _FORM.fullmatch(form):
        raise asked.error("format", f"expected a form such as .0%, .0f or .2f; got {shown(form)}")
    asked.end()
    return Question(kind, answer, (), low, high, step, form)
