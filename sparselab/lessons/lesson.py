"""What a lesson is, once it is read: steps with a view each, a question where there is one, and their words by language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from sparselab.lessons.views.base import LessonView

SCHEMA = 1
"""The number of the form that this version reads."""

ENGLISH = "en"
LANGUAGES: Mapping[str, str] = MappingProxyType({ENGLISH: "English", "zh": "简体中文"})
"""The languages that a lesson may be written in, beside English, which it must be."""

MOST_STEPS = 12


@dataclass(frozen=True)
class StepWords:
    """A step's texts in one language, placeholders not yet filled. Of a translation, "" is what is missing."""

    title: str
    picture: str = ""
    body: str = ""
    reveal: str = ""
    ask: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    covered_picture: str = ""

    def meaning(self, *, covered: bool) -> str:
        """Return what the picture means, which is also its alt text; covered: as long as it keeps the answer back."""
        return (self.covered_picture if covered else "") or self.picture

    def texts(self) -> Mapping[str, str]:
        """Return every text by the name it has in errors."""
        options = {f"question.options.{key}": text for key, text in self.options.items()}
        pictures = {"picture": self.picture, "covered_picture": self.covered_picture}
        named = {"title": self.title, **pictures, "body": self.body, "reveal": self.reveal}
        return {**named, "question.ask": self.ask, **options}


@dataclass(frozen=True)
class Question:
    """What is asked before the reveal.

    kind: choice, slider or number. options: of a choice, their keys. answer: of a choice a key, or "most" or "least" where the
    keys are facts, or a fact that is a text: a key; otherwise the name of a fact. low, high, step, form: of a slider or number.
    """

    kind: str
    answer: str
    options: tuple[str, ...] = ()
    low: float = 0.0
    high: float = 1.0
    step: float = 0.01
    form: str = ".0%"


@dataclass(frozen=True)
class LessonStep:
    """One step: what is seen, which controls are left, what is asked. covered: the view keeps the answer back until the reveal."""

    number: int
    file: str
    view: LessonView
    controls: tuple[str, ...]
    plain: tuple[str, ...]
    question: Question | None
    covered: bool
    words: Mapping[str, StepWords]

    def in_language(self, language: str) -> tuple[StepWords, bool]:
        """Return the step's texts, English where one is missing; and whether one is."""
        english = self.words[ENGLISH]
        own = self.words.get(language)
        if own is None:
            return english, True
        merged = StepWords(
            **{
                name: getattr(own, name) or getattr(english, name)
                for name in ("title", "picture", "covered_picture", "body", "reveal", "ask")
            },
            options={key: own.options.get(key) or text for key, text in english.options.items()},
        )
        given = own.texts()
        return merged, any(text and not given.get(name) for name, text in english.texts().items())


@dataclass(frozen=True)
class LessonWords:
    """A lesson's own texts in one language."""

    title: str
    idea: str
    simplified: str


@dataclass(frozen=True)
class Lesson:
    """A lesson. name: of its folder. explore: the transform and knobs of "now with your own mask"."""

    name: str
    minutes: int
    sources: tuple[str, ...]
    plain: tuple[str, ...]
    transform: str
    settings: Mapping[str, Any]
    words: Mapping[str, LessonWords]
    steps: tuple[LessonStep, ...]

    def in_language(self, language: str) -> tuple[LessonWords, bool]:
        """Return the lesson's own texts, English where one is missing; and whether one is."""
        english, own = self.words[ENGLISH], self.words.get(language)
        if own is None:
            return english, True
        pairs = [(name, getattr(own, name), getattr(english, name)) for name in ("title", "idea", "simplified")]
        return LessonWords(**{name: mine or theirs for name, mine, theirs in pairs}), any(
            theirs and not mine for _, mine, theirs in pairs
        )
