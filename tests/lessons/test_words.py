"""Numbers of a text are facts: placeholders are filled, and digits that nobody computed are found."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparselab.core.errors import SettingError
from sparselab.lessons.words import bare_numbers, filled, holds_plain, placeholders

NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
WORDS = st.text(st.characters(exclude_characters="{}", exclude_categories=["Nd", "No", "Nl", "Cs"]), max_size=20)


@given(parts=st.lists(st.tuples(WORDS, NAMES), max_size=5), value=st.integers(-(10**9), 10**9))
def test_a_text_of_placeholders_has_no_bare_number_and_states_every_fact(
    parts: list[tuple[str, str]], value: int
) -> None:
    text = "".join(f"{words}{{{name}}}" for words, name in parts)
    assert placeholders(text) == tuple(name for _, name in parts)
    assert bare_numbers(text, ()) == ()
    said = filled(text, {name: value for _, name in parts})
    assert said == "".join(words + f"{value:,}" for words, _ in parts)


@given(words=WORDS, number=st.integers(0, 10**6))
def test_a_number_that_is_no_placeholder_is_found_unless_it_is_named(words: str, number: int) -> None:
    text = f"{words} {number} {words}"
    assert bare_numbers(text, ()) == (str(number),)
    assert bare_numbers(text, (str(number),)) == ()
    assert holds_plain(text, str(number))
    for other in (f"{number}1", f"1{number}", f"{number}.5"):
        assert bare_numbers(f"{words} {other} {words}", (str(number),))


@pytest.mark.parametrize(
    "text", ["{a.b}", "{a[0]}", "{a!r}", "{}", "{", "}", "{a:>9}", "{a:{b}}", "{A}", "{__class__}"]
)
def test_what_is_no_placeholder_is_refused(text: str) -> None:
    with pytest.raises(SettingError):
        filled(text, {"a": 1})


@given(text=st.text(st.sampled_from("{}a1:.%f_ é"), max_size=30))
def test_any_text_is_filled_or_refused(text: str) -> None:
    try:
        said = filled(text, {"a": 0.5, "a1": "b"})
    except SettingError:
        return
    assert not re.search(r"[{}]", said)
