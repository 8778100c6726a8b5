"""The words of a lesson: placeholders filled with facts, and numbers that nobody has computed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from sparselab.core.errors import SettingError

Fact = int | float | str
Facts = Mapping[str, Fact]

LONGEST_TEXT = 6_000
"""Characters of one text of a lesson, such as a step before its reveal."""

_PLACE = re.compile(r"\{([^{}]*)\}")
_INSIDE = re.compile(r"([a-z][a-z0-9_]{0,59})(?::([+]?[,]?(?:\.[0-9])?[fg%]))?")
_NUMBER = re.compile(r"\d+(?:[.,/]\d+)*")


def placeholders(text: str) -> tuple[str, ...]:
    """Return the names of the facts that a text asks for, in their order.

    Raises: SettingError for braces that are no placeholder.
    Example: >>> placeholders("{rows} rows keep {weights_kept:.0%}")
             ('rows', 'weights_kept')
    """
    return tuple(name for name, _ in _places(text))


def filled(text: str, facts: Facts) -> str:
    """Return a text with its placeholders filled. Whole numbers get separators, other numbers need a form such as .0%, .2f or .3g.

    Raises: SettingError for a fact that is not there, or a form that does not suit it.
    Example: >>> filled("{rows} rows keep {weights_kept:.0%}", {"rows": 1024, "weights_kept": 0.284})
             '1,024 rows keep 28%'
    """
    _places(text)
    return _PLACE.sub(lambda found: _shown(found[1], facts), text)


def bare_numbers(text: str, plain: Sequence[str]) -> tuple[str, ...]:
    """Return the numbers in digits that a text states by itself: those in no placeholder and not in `plain`.

    plain: what may stand there, word for word, such as "8 x 12": whole numbers only, so that "8" does not allow 18 or 8.5.
    Example: >>> bare_numbers("8 x 12 cells, 7 of 10, {rows} rows", ["8 x 12"])
             ('7', '10')
    """
    text = _PLACE.sub(" ", text)
    for each in sorted(plain, key=len, reverse=True):
        text = _plain_pattern(each).sub(" ", text)
    return tuple(_NUMBER.findall(text))


def holds_plain(text: str, plain: str) -> bool:
    """Return whether a text has this number, or words with a number, outside its placeholders."""
    return _plain_pattern(plain).search(_PLACE.sub(" ", text)) is not None


def _plain_pattern(plain: str) -> re.Pattern[str]:
    return re.compile(r"(?<!\d)(?<!\d[.,/])" + re.escape(plain) + r"(?!\d)(?![.,/]\d)")


def _places(text: str) -> list[tuple[str, str]]:
    found = []
    for inside in _PLACE.findall(text):
        match = _INSIDE.fullmatch(inside)
        if match is None:
            raise SettingError(
                f"expected a placeholder such as {{rows}} or {{weights_kept:.0%}}; got {{{inside[:60]}}}"
            )
        found.append((match[1], match[2] or ""))
    rest = _PLACE.sub("", text)
    if "{" in rest or "}" in rest:
        raise SettingError("expected braces only around the name of a fact; got a single brace")
    return found


def _shown(inside: str, facts: Facts) -> str:
    name, _, form = inside.partition(":")
    if name not in facts:
        raise SettingError(
            f"expected the name of a fact of this view: {', '.join(facts) or 'it has none'}; got {name!r}"
        )
    value = facts[name]
    if isinstance(value, str):
        if form:
            raise SettingError(f"{name}: expected no form, for it is a text; got {form!r}")
        return value
    if isinstance(value, float) and not form:
        raise SettingError(f"{name}: expected a form such as {{{name}:.0%}} or {{{name}:.2f}}; got none")
    return format(value, form or ",")
