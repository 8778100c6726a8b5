"""What a page asks a worker about a lesson: facts and drawings that are not quick, and a sheet."""

from __future__ import annotations

from pathlib import Path

from sparselab.lessons.loading import read_lesson
from sparselab.lessons.ready import ready_facts
from sparselab.lessons.sheet import sheet
from sparselab.lessons.views.base import LessonView
from sparselab.lessons.words import Fact
from sparselab.runtime.progress import SILENT, Monitor


def view_facts(view: LessonView, *, monitor: Monitor = SILENT) -> dict[str, Fact]:
    """Return a view's facts."""
    return dict(view.facts())


def view_drawing(view: LessonView, alt: str, language: str, covered: bool, *, monitor: Monitor = SILENT) -> str:
    """Return a view's drawing."""
    return view.drawing(alt, covered=covered, language=language)


def lesson_sheet(folder: str, *, monitor: Monitor = SILENT) -> str:
    """Return the sheet of the lesson in a folder."""
    place = Path(folder)
    return sheet(read_lesson(place), ready_facts(place))
