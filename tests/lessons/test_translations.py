"""What is not translated is shown in English, and said."""

from __future__ import annotations

from pathlib import Path

from sparselab.lessons.loading import read_lesson
from tests.lessons.written import CHINESE, FILES, write


def test_a_step_falls_back_part_by_part_and_says_so(tmp_path: Path) -> None:
    lesson = read_lesson(write(tmp_path / "lesson"))
    first, second, _ = lesson.steps
    english, missing = first.in_language("en")
    assert not missing
    words, missing = first.in_language("zh")
    assert missing
    assert (words.title, words.ask) == ("两个核", "哪一对？")
    assert words.options == {"similarity_1_2": "第一和第二", "similarity_1_3": "first and third"}
    assert (words.picture, words.reveal) == (english.picture, english.reveal)
    assert second.in_language("zh") == (second.words["en"], True)
    own, missing = lesson.in_language("zh")
    assert missing
    assert (own.title, own.idea) == ("标题", "One idea")


def test_a_whole_translation_needs_no_word(tmp_path: Path) -> None:
    whole = CHINESE.replace(
        'title = "两个核"', 'title = "两个核"\npicture = "两行。"\ncovered_picture = "{rows} 行中的两行。"'
    )
    whole = whole.replace('"第一和第二"', '"第一和第二"\nsimilarity_1_3 = "第一和第三"')
    whole += "\n---reveal---\n\n共有 {shared_1_3} 列。\n"
    lesson = read_lesson(write(tmp_path / "lesson", {**FILES, "1-pair.zh.md": whole}))
    words, missing = lesson.steps[0].in_language("zh")
    assert not missing
    assert words == lesson.steps[0].words["zh"]
