from dataclasses import dataclass
from typing import Annotated

import pytest
from annotated_types import Interval
from typing_extensions import Doc

from sparselab.core.errors import SettingError
from sparselab.core.settings import OneOf, Unset, When, check_settings, settings_of


@dataclass(frozen=True)
class Toy:
    kind: Annotated[str, OneOf(("a", "b")), Doc("which")] = "a"
    size: Annotated[int, Interval(ge=1, le=8), When("kind", ("a",)), Doc("how large")] = 4
    share: Annotated[float | None, Interval(ge=0, le=1), Doc("how much")] = None
    loud: Annotated[bool, Doc("say it")] = False


def test_a_field_says_everything_once() -> None:
    kind, size, share, loud = settings_of(Toy)
    assert (kind.choices, kind.default, kind.doc) == (("a", "b"), "a", "which")
    assert (size.low, size.high, size.flag) == (1, 8, "--size")
    assert size.counts({"kind": "a"})
    assert not size.counts({"kind": "b"})
    assert (share.optional, share.kind, loud.kind) == (True, float, bool)
    assert (kind.help, share.help) == (("which",), ("how much",))


@dataclass(frozen=True)
class Explained:
    how: Annotated[str, OneOf({"a": "first", "b": "second"}), Doc("which")] = "a"
    share: Annotated[float | None, Interval(ge=0, le=1), Unset("all"), Doc("how much")] = None


def test_help_says_what_each_choice_is_and_what_none_means() -> None:
    how, share = settings_of(Explained)
    assert how.choices == ("a", "b")
    assert how.help == ("which", "a: first", "b: second")
    assert (share.help, share.unset) == (("how much; none: all",), "all")
    with pytest.raises(SettingError, match="one of a, b; got 'c'"):
        how.check("c")


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("kind", "b", "b"),
        ("size", "8", 8),
        ("share", "none", None),
        ("share", "0.5", 0.5),
        ("share", "1", 1.0),
        ("loud", "true", True),
    ],
)
def test_texts_are_read(name: str, text: str, value: object) -> None:
    setting = next(s for s in settings_of(Toy) if s.name == name)
    assert setting.parse(text) == value


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("kind", "c", "kind: expected one of a, b; got 'c'"),
        ("size", "9", "size: expected a whole number from 1 to 8; got 9"),
        ("size", "x", "expected a whole number from 1 to 8; got 'x'"),
        ("size", "none", "expected a whole number"),
        ("share", "nan", "expected a number from 0 to 1 or none; got nan"),
        ("loud", "yes", "expected true or false; got 'yes'"),
    ],
)
def test_wrong_texts_say_what_was_expected(name: str, text: str, words: str) -> None:
    setting = next(s for s in settings_of(Toy) if s.name == name)
    with pytest.raises(SettingError, match=words):
        setting.parse(text)


def test_values_are_checked_too() -> None:
    check_settings(Toy())
    for bad in (Toy(size=0), Toy(kind="z"), Toy(size=True), Toy(share=2.0), Toy(loud=1)):  # type: ignore[arg-type]
        with pytest.raises(SettingError):
            check_settings(bad)
