"""A broken lesson is a sentence that names file and key, whatever is broken; never anything else, and nothing is executed."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sparselab.core.errors import FileError
from sparselab.lessons.checking import problems
from sparselab.lessons.lesson import Lesson
from sparselab.lessons.loading import read_lesson
from sparselab.lessons.ready import ready_facts
from tests.lessons.written import FILES, LESSON, write

BREAKS = [
    ("lesson.toml", "schema = 1", "schema = 2", ("lesson.toml", "schema", "expected 1", "got 2")),
    ("lesson.toml", 'idea = "One idea"', "", ("lesson.toml", "idea", "got nothing")),
    ("lesson.toml", "minutes = 3", "minutes = 300", ("lesson.toml", "minutes", "60", "300")),
    ("lesson.toml", "minutes = 3", 'minutes = "3"', ("lesson.toml", "minutes", "whole number", "'3'")),
    ("lesson.toml", "rows_per_group", "row_per_group", ("lesson.toml", "explore.settings", "row_per_group")),
    ("lesson.toml", '"regroup"', '"os.system"', ("lesson.toml", "explore.transform", "os.system")),
    ("lesson.toml", "[zh]", "[zh]\nanother = 1", ("lesson.toml", "zh.another")),
    ("lesson.toml", "minutes = 3", "minutes = ", ("lesson.toml", "line 4")),
    ("1-pair.md", 'kind = "similarity"', 'kind = "pickle"', ("1-pair.md", "view.kind", "pickle")),
    ("1-pair.md", '"##..", ".##."', '"##..", ".##x"', ("1-pair.md", "view", "row 2", ".##x")),
    ("1-pair.md", "answer =", "answers =", ("1-pair.md", "question.answer", "got nothing")),
    ("1-pair.md", "---reveal---", "", ("1-pair.md", "---reveal---")),
    ("1-pair.md", 'picture = "Two rows, compared."', "", ("1-pair.md", "picture")),
    ("3-words.md", "[view]", 'covered_picture = "No."\n[view]', ("3-words.md", "covered_picture", "covered")),
    ("1-pair.md", "A 2 x 4", "<script>alert(1)</script> A 2 x 4", ("1-pair.md", "without HTML", "<s")),
    ("1-pair.md", "A 2 x 4", "![](http://example.com/a.png) A 2 x 4", ("1-pair.md", "images")),
    ("1-pair.md", "+++\ntitle", "title", ("1-pair.md", "+++")),
    ("1-pair.zh.md", "similarity_1_2 =", "similarity_9_9 =", ("1-pair.zh.md", "question.options.similarity_9_9")),
    ("2-toy.md", 'controls = ["kept"]', 'controls = ["sample"]', ("2-toy.md", "controls", "kept", "sample")),
    ("2-toy.md", "kept = 0.5", "kept = 1.5", ("2-toy.md", "view.kept", "1.5")),
    ("2-toy.md", "kept = 0.5", "keep = 0.5", ("2-toy.md", "view.keep", "expected one of")),
    ("2-toy.md", "high = 100", "high = -1", ("2-toy.md", "question.high", "-1")),
    ("2-toy.md", 'format = ".0f"', 'format = "%n"', ("2-toy.md", "question.format", "%n")),
]

MISTAKES = [
    ("1-pair.md", "here are {rows}", "three rows of 9, {rows}", ("1-pair.md", "body", "9", "plain")),
    ("1-pair.md", "here are {rows}", "here are {row}", ("1-pair.md", "body", "'row'", "similarity_1_2")),
    ("1-pair.md", "{similarity_1_3:.0%}", "{similarity_1_3}", ("1-pair.md", "reveal", "similarity_1_3", "form")),
    ("1-pair.md", '"2 x 4"', '"2 x 4", "7"', ("1-pair.md", "plain", "'7'")),
    ("1-pair.md", 'answer = "most"', 'answer = "rows"', ("1-pair.md", "question.answer", "'rows'")),
    ("1-pair.zh.md", "{rows} 行", "3 行", ("1-pair.md", "zh: body", "3")),
    ("2-toy.md", "high = 100", "high = 5", ("2-toy.md", "question.answer", "24")),
    ("lesson.toml", "One idea", "1 idea", ("lesson.toml", "idea", "1")),
]


@pytest.mark.parametrize(("file", "old", "new", "said"), BREAKS)
def test_what_is_broken_is_said_with_file_and_key(
    file: str, old: str, new: str, said: tuple[str, ...], tmp_path: Path
) -> None:
    assert old in FILES[file]
    folder = write(tmp_path / "lesson", {**FILES, file: FILES[file].replace(old, new, 1)})
    with pytest.raises(FileError) as error:
        read_lesson(folder)
    assert all(part in str(error.value) for part in said), str(error.value)
    assert problems(folder) == (str(error.value),)


@pytest.mark.parametrize(("file", "old", "new", "said"), MISTAKES)
def test_what_is_wrong_in_the_words_is_said_with_file_and_key(
    file: str, old: str, new: str, said: tuple[str, ...], tmp_path: Path
) -> None:
    assert old in FILES[file]
    folder = write(tmp_path / "lesson", {**FILES, file: FILES[file].replace(old, new, 1)})
    found = problems(folder)
    assert any(all(part in problem for part in said) for problem in found), found


def test_the_lesson_of_these_tests_has_nothing_wrong(tmp_path: Path) -> None:
    assert problems(write(tmp_path / "lesson")) == ()


@st.composite
def spoilt(draw: st.DrawFn) -> dict[str, bytes]:
    """The files of a lesson with something changed: a piece cut out, doubled, moved elsewhere or written anew."""
    files = {name: text.encode() for name, text in FILES.items()}
    for _ in range(draw(st.integers(1, 3))):
        name = draw(st.sampled_from(sorted(files)))
        data = files[name]
        start = draw(st.integers(0, len(data)))
        end = draw(st.integers(start, min(len(data), start + 40)))
        new = draw(
            st.sampled_from([b"", data[start:end] * 2, b"[", b"[[view]]\n", b"+++\n", b"---reveal---\n", b"{", b"\x00"])
            | st.binary(max_size=12)
            | st.text(max_size=12).map(str.encode)
        )
        files[name] = data[:start] + new + data[end:]
    return files


@settings(max_examples=150)
@given(files=spoilt())
def test_any_damage_is_a_lesson_or_a_sentence(files: dict[str, bytes]) -> None:
    with tempfile.TemporaryDirectory() as base:
        folder = write(Path(base) / "lesson", files)
        found = read_or_said(folder)
        if isinstance(found, str):
            assert re.match(r"^('?[\w.-]+'?|step \d+|steps)\b", found), found
            assert any(name in found for name in (*FILES, "step")), found


def read_or_said(folder: Path) -> Lesson | str:
    """The lesson, or what is said of it."""
    try:
        return read_lesson(folder)
    except FileError as error:
        return str(error)


def test_sizes_are_bounded(tmp_path: Path) -> None:
    large = write(tmp_path / "large", {**FILES, "1-pair.md": "+++\n" + "a" * 2**17})
    with pytest.raises(FileError, match=r"1-pair\.md: expected at most"):
        read_lesson(large)
    many = write(tmp_path / "many", {**FILES, **{f"{number}-step.md": "" for number in range(4, 99)}})
    with pytest.raises(FileError, match="at most 64 files"):
        read_lesson(many)
    deep = write(tmp_path / "deep", {**FILES, "lesson.toml": LESSON + "a = " + "[" * 20_000})
    with pytest.raises(FileError, match=r"lesson\.toml"):
        read_lesson(deep)
    for text in ("[]", '{"a": 1}', '{"a": {"b": []}}', "[" * 50_000, "\x00"):
        folder = write(tmp_path / "ready", {"ready.json": text})
        with pytest.raises(FileError, match=r"ready\.json"):
            ready_facts(folder)
