"""Sentences about many tensors that differ in names alone, said once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_WORD = re.compile(r"([^\s,;:()]+)")
_NUMBER = re.compile(r"[\d.e+\-]+")
_SHOWN = 3


def merged(sentences: Iterable[tuple[str, str]]) -> list[str]:
    """Return (name of a tensor, what is said of it) as few sentences: those that differ in names alone are one.

    Of many names, the first three are shown.

    Example: >>> merged([("a.s", "the scale of a.w"), ("b.s", "the scale of b.w"), ("c.s", "the scale of c.w"), ("d.s", "the scale of d.w")])
             ['a.s, b.s, c.s and 1 more: the scale of a.w, b.w, c.w and 1 more']
    """
    return [f"{listed(names)}: {text}" for text, names in grouped(sentences)]


def grouped(sentences: Iterable[tuple[str, str]]) -> list[tuple[str, list[str]]]:
    """Return what is said, each text once, with the names of the tensors it is said of.

    A word with a point, a slash or an underscore in it, and no number, counts as a name: texts that differ in such words are one.
    """
    found: dict[tuple[str, ...], list[tuple[str, list[str]]]] = {}
    for name, text in sentences:
        pieces = _WORD.split(text)  # words at odd places
        slots = [word for word in pieces[1::2] if _is_name(word)]
        words = tuple("" if place % 2 and _is_name(piece) else piece for place, piece in enumerate(pieces))
        found.setdefault(words, []).append((name, slots))
    return [(_filled(words, each), [name for name, _ in each]) for words, each in found.items()]


def listed(names: Sequence[str]) -> str:
    """Return the first names, and how many more there are.

    Example: >>> listed(["a", "b", "c", "d"])
             'a, b, c and 1 more'
    """
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")


def _is_name(word: str) -> bool:
    return any(sign in word[:-1] for sign in "._/") and _NUMBER.fullmatch(word) is None


def _filled(words: Sequence[str], each: Sequence[tuple[str, list[str]]]) -> str:
    slots = iter([listed(list(dict.fromkeys(names))) for names in zip(*(names for _, names in each), strict=True)])
    return "".join(word if word or not place % 2 else next(slots) for place, word in enumerate(words))
