"""`sparselab lesson`: checked, counted, built and printed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from sparselab.cli.app import address
from sparselab.lessons.catalogue import LESSONS
from sparselab.lessons.loading import read_lesson
from sparselab.lessons.ready import ready_facts, view_key
from tests.lessons.written import FILES, write

Run = Callable[..., tuple[int, str, str]]


def test_check_says_all_that_is_wrong_and_its_status_tells(run: Run, tmp_path: Path) -> None:
    assert run("lesson", "check", write(tmp_path / "good"))[:2] == (0, "A title: 3 steps, nothing wrong\n")
    wrong = {**FILES, "1-pair.md": FILES["1-pair.md"].replace("{rows} rows", "8 rows, 9 columns")}
    status, out, err = run("lesson", "check", write(tmp_path / "wrong", wrong))
    assert status == 1
    assert "1-pair.md: body" in out
    assert "1-pair.md: covered_picture" in out
    assert "8, 9" in out
    assert err == "2 problems\n"
    assert run("lesson", "check", tmp_path / "none")[0] in (1, 2)


def test_build_keeps_the_facts_and_check_finds_old_ones(run: Run, tmp_path: Path) -> None:
    folder = write(tmp_path / "lesson")
    assert run("lesson", "build", folder)[0] == 0
    lesson, ready = read_lesson(folder), ready_facts(folder)
    assert ready[view_key(lesson.steps[0].view)]["shared_1_3"] == 2
    assert run("lesson", "check", folder)[0] == 0
    text = (folder / "ready.json").read_text(encoding="utf-8")
    (folder / "ready.json").write_text(text.replace('"shared_1_3": 2', '"shared_1_3": 3'), encoding="utf-8")
    status, out, _ = run("lesson", "check", folder)
    assert status == 1
    assert "shared_1_3" in out
    assert "ready.json" in out


def test_facts_and_list_name_what_there_is(run: Run, tmp_path: Path) -> None:
    status, out, _ = run("lesson", "facts", write(tmp_path / "lesson"))
    assert status == 0
    assert "  shared_1_3 = 2\n" in out
    status, out, _ = run("lesson", "list")
    assert status == 0
    assert len(out.splitlines()) == len(LESSONS)


def test_the_app_opens_the_folder_of_a_lesson_on_learn(tmp_path: Path) -> None:
    folder = write(tmp_path / "lesson")
    assert "/learn?path=" in address(8501, folder)
    assert "/?source=Path" in address(8501, tmp_path)


def test_a_sheet_is_one_file_and_replaces_none(run: Run, tmp_path: Path) -> None:
    folder, out = write(tmp_path / "lesson"), tmp_path / "sheet.html"
    assert run("lesson", "sheet", folder, "--out", out)[0] == 0
    assert out.read_text(encoding="utf-8").startswith("<!doctype html>")
    status, _, err = run("lesson", "sheet", folder, "--out", out)
    assert status == 2
    assert "--overwrite" in err
    assert run("lesson", "sheet", folder, "--out", out, "--overwrite", "--language", "zh")[0] == 0
    assert '<section lang="zh">' in (alone := out.read_text(encoding="utf-8"))
    assert '<section lang="en">' not in alone
    assert run("lesson", "sheet", "99", "--out", tmp_path / "b.html")[0] == 2
