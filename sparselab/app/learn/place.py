"""Which lesson and step the address names, in which language, with which controls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import streamlit as st

from sparselab.app.inputs.path_policy import allowed_roots, resolve_under
from sparselab.app.shell.address import knob_slots
from sparselab.app.shell.learn_keys import LEARN_CONTROLS
from sparselab.app.shell.visit import choose, chosen, forget, say
from sparselab.core.errors import FileError
from sparselab.lessons.catalogue import lesson_folder
from sparselab.lessons.lesson import ENGLISH, LANGUAGES, Lesson, LessonStep
from sparselab.lessons.loading import read_lesson
from sparselab.lessons.ready import ready_facts
from sparselab.lessons.words import Facts

PAGE = "learn"
ALL, NONE = "all", "none"


@dataclass(frozen=True)
class LessonPlace:
    """A lesson that is open: where it lies, and its facts that were computed ahead. key: how the address names it."""

    key: str
    folder: Path
    lesson: Lesson
    ready: Mapping[str, Facts]

    @property
    def step(self) -> LessonStep:
        """The step that the address names; the first where it names none, which the picker of steps says."""
        text = chosen("step", "1")
        return next((step for step in self.lesson.steps if str(step.number) == text), self.lesson.steps[0])


def named_lesson() -> LessonPlace | None:
    """Return the lesson that the address names, None where it names none. Raises: FileError."""
    path, key = chosen("path", ""), chosen("lesson", "")
    if path:
        roots = allowed_roots()
        if not roots:
            raise FileError(
                "expected a lesson of the package: this server allows no paths; its operator can name folders"
            )
        folder = resolve_under(path, roots, folder=True)
    elif key:
        folder = lesson_folder(key)
    else:
        return None
    return LessonPlace(key or path, folder, *read_again(folder))


def read_again(folder: Path) -> tuple[Lesson, Mapping[str, Facts]]:
    """Return a lesson and its ready facts, read anew where a file of it has changed. Raises: FileError."""
    try:
        stamp = tuple(sorted((each.name, each.stat().st_mtime_ns) for each in list(folder.iterdir())[:100]))
    except OSError:
        raise FileError("expected a lesson's folder that can be read; got none") from None
    return _read(folder, stamp)


@lru_cache(maxsize=64)
def _read(folder: Path, _stamp: tuple[Any, ...]) -> tuple[Lesson, Mapping[str, Facts]]:
    return read_lesson(folder), ready_facts(folder)


def language_now() -> str:
    """Return the language that the address names; English where it names none that there is."""
    found: str = chosen("language", ENGLISH)
    return found if found in LANGUAGES else ENGLISH


def controls_now(step: LessonStep) -> tuple[str, ...]:
    """Return the controls that are left of a step: those that the address names, else those that the lesson does."""
    text: str = chosen("controls", "")
    every = tuple(step.view.controls)
    if not text:
        return step.controls
    if text in (ALL, NONE):
        return every if text == ALL else ()
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in every:
            say(f"this step has no control called {name[:60]!r}; it has {', '.join(every) or 'none'}")
    return tuple(name for name in every if name in names)


def go_to(step: int) -> None:
    """Callback: open a step, its controls as it has them."""
    leave_controls()
    choose({"step": None if step == 1 else str(step)})


def open_lesson(key: str) -> None:
    """Callback: open a lesson at its first step; "" for the list."""
    leave_controls()
    choose({"lesson": key or None, "path": None, "step": None, "controls": None})


def leave_controls() -> None:
    """Put what was turned in a step back: the next one has its own."""
    forget(knob_slots(PAGE))
    choose(dict.fromkeys((*LEARN_CONTROLS, "transform")))


def answers() -> dict[Any, Any]:
    """Return what was guessed and revealed in this visit, by lesson and step."""
    found: dict[Any, Any] = st.session_state.setdefault("_learn_answers", {})
    return found
